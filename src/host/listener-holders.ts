// Linux fs/eventpoll.c ep_show_fdinfo, fs/proc/base.c proc_pid_syscall and proc_pid_wchan, v6.18.
import type { ListenerHolder, ListenerWait, Owner } from './facts.ts'
import { type HostFiles, readOrNull } from './host-files.ts'

/** Event loops open their eventpoll early, and get the lowest free number. */
const MAX_DESCRIPTORS = 2_000
const MAX_THREADS = 300
/** Of a listener that many processes share, as many are looked at. */
const MAX_HOLDERS = 32

/** Who holds a listener, and whether and how each of them waits at it for connections now. */
export function listenerHolders(
  host: HostFiles,
  inode: number,
  owners: readonly Owner[],
  seen: Map<number, ProcessWaits>,
): ListenerHolder[] {
  return owners.slice(0, MAX_HOLDERS).map((owner) => {
    const known = seen.get(owner.pid) ?? waitsOf(host, owner.pid)
    seen.set(owner.pid, known)
    const waits = waitAt(known, owner.fd, inode)
    return { ...owner, waits, ...(known.stopped ? { stopped: true as const } : {}) }
  })
}

/** What a process waits at. */
export interface ProcessWaits {
  /** Of each watched descriptor the inode of its file, null where the kernel does not tell (before 77493f04b74c, July 2017). */
  watched: readonly { fd: number; inode: number | null; events: number }[]
  /** First argument of the system call of threads that wait inside accept(). */
  accepting: readonly number[]
  /** A thread waits in poll() or select(), which do not tell for what. */
  polls: boolean
  /** It has an io_uring, which does not tell either. */
  hasRing: boolean
  /** Its descriptors and its threads could be looked at. */
  readable: boolean
  /** All of it, by a signal or a debugger. */
  stopped: boolean
}

const EPOLLIN = 1

function waitAt(process: ProcessWaits, fd: number, inode: number): ListenerWait {
  if (process.accepting.includes(fd)) return 'accept'
  const watched = process.watched.filter((one) =>
    one.inode === null ? one.fd === fd : one.inode === inode,
  )
  if (watched.some(({ events }) => (events & EPOLLIN) !== 0)) return 'epoll'
  if (!process.readable || process.polls || process.hasRing) return 'unknown'
  return 'none'
}

function waitsOf(host: HostFiles, pid: number): ProcessWaits {
  const names = host.names(`/proc/${pid}/fd`)
  const watched: ProcessWaits['watched'][number][] = []
  let hasRing = false
  for (const name of names.is === 'read' ? names.value.slice(0, MAX_DESCRIPTORS) : []) {
    const link = readOrNull(host.link(`/proc/${pid}/fd/${name}`)) ?? ''
    if (link === 'anon_inode:[io_uring]') hasRing = true
    if (link !== 'anon_inode:[eventpoll]') continue
    watched.push(...parseWatched(readOrNull(host.text(`/proc/${pid}/fdinfo/${name}`)) ?? ''))
  }
  const threads = threadsOf(host, pid)
  const readable = names.is === 'read' && threads.readable
  return { watched, hasRing, ...threads, readable, stopped: isStopped(host, pid) }
}

/** "State:\tT (stopped)" or "t (tracing stop)" of its first thread. @see Linux fs/proc/array.c task_state_array */
function isStopped(host: HostFiles, pid: number): boolean {
  return /^State:\s*[Tt] /m.test(readOrNull(host.text(`/proc/${pid}/status`)) ?? '')
}

/** "tfd:        5 events:       19 data:                5  pos:0 ino:2a2f sdev:9"; without pos, ino and sdev before 77493f04b74c. */
export function parseWatched(text: string): ProcessWaits['watched'] {
  const lines = text.matchAll(/^tfd:\s*(\d+) events:\s*([\da-f]+)(?:.* ino:([\da-f]+))?/gm)
  return [...lines].map(([, fd, events = '0', inode]) => ({
    fd: Number(fd),
    events: Number.parseInt(events, 16),
    inode: inode === undefined ? null : Number.parseInt(inode, 16),
  }))
}

/** What threads wait in: the kernel's function, and the first argument of their system call. */
function threadsOf(
  host: HostFiles,
  pid: number,
): Pick<ProcessWaits, 'accepting' | 'polls' | 'readable'> {
  const accepting: number[] = []
  let polls = false
  let readable = false
  for (const thread of (readOrNull(host.names(`/proc/${pid}/task`)) ?? []).slice(0, MAX_THREADS)) {
    const call = host.text(`/proc/${pid}/task/${thread}/syscall`)
    if (call.is !== 'read') continue
    readable = true
    const place = readOrNull(host.text(`/proc/${pid}/task/${thread}/wchan`)) ?? ''
    const fd = firstArgument(call.value)
    if (place.startsWith('inet_csk_accept') && fd !== null) accepting.push(fd)
    if (place.startsWith('poll_schedule_timeout')) polls = true
  }
  return { accepting, polls, readable }
}

/** "288 0x3 0x7ff... 0x0": number of the call, arguments; "running" while it runs. */
function firstArgument(text: string): number | null {
  const [, hex] = /^\d+ 0x([\da-f]{1,8}) /.exec(text) ?? []
  return hex === undefined ? null : Number.parseInt(hex, 16)
}
