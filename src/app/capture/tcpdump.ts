// tcpdump 4.9 to 4.99: what it prints on standard error (tcpdump.c), and what libpcap says (pcap-linux.c, gencode.c).
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { TcpwhyError } from '../../base/errors.ts'
import { inNamespace } from '../kernel/namespace.ts'
import type { Target } from './target.ts'
import { failureOf, TcpdumpWords } from './tcpdump-words.ts'

export interface TcpdumpOptions {
  target: Target
  interface: string
  snapLen: number
  filter: string
  /** Also what is not addressed to this machine (a mirror port). */
  promiscuous: boolean
}

/** tcpdump, listening: packets come out of `stdout` as pcap. */
export interface Tcpdump {
  pid: number
  stdout: Readable
  /** What it said so far, its counts among it. */
  words: TcpdumpWords
  /** Asks it to end: what it holds back comes, then the end of `stdout`. May be called again. */
  stop(): void
  /** When it has ended and said its last word. */
  ended: Promise<{ code: number | null }>
}

/** KiB of kernel memory for packets that wait: a second of 40,000 packets. */
const KERNEL_BUFFER_KB = 8192
/** How long it may take to open the interface; a busy machine, a large filter. */
const START_MS = 15_000
const STOP_MS = 3000
const NET_RAW = '+net_raw'

/**
 * Starts tcpdump in the target's network namespace. It runs without a shell, as the user tcpdump where there is one, with
 * CAP_NET_RAW only, and dies with tcpwhy (PR_SET_PDEATHSIG; else by its broken pipe).
 * @throws TcpwhyError CAPTURE_TOOL_MISSING, CAPTURE_NOT_PERMITTED, CAPTURE_NO_INTERFACE, CAPTURE_BAD_FILTER,
 *   CAPTURE_FAILED, TARGET_NOT_FOUND
 */
export async function startTcpdump(options: TcpdumpOptions): Promise<Tcpdump> {
  const program = find('tcpdump')
  if (program === null) throw toolMissing()
  let failed: TcpwhyError | null = null
  for (const way of waysToStart(program)) {
    const started = await listening(launch(way, options), options)
    if (started.is === 'listening') return started.tcpdump
    failed ??= failureOf(started.words.text, options)
    if (!started.words.isAboutPrivileges) throw failureOf(started.words.text, options)
  }
  throw failed ?? failureOf('', options)
}

type Way = { command: string; args: readonly string[] }

/** The safest first; each next one for where the one before is not possible. */
function waysToStart(program: string): Way[] {
  const plain = { command: program, args: [] }
  const setpriv = find('setpriv')
  const isRoot = process.getuid?.() === 0
  const ways: Way[] = []
  if (setpriv !== null && isRoot) {
    const user = ['--reuid', 'tcpdump', '--regid', 'tcpdump', '--init-groups']
    const caps = ['--inh-caps', NET_RAW, '--ambient-caps', NET_RAW]
    ways.push({ command: setpriv, args: [...user, ...caps, '--pdeathsig', 'TERM', program] })
    // No such user, or none that this user namespace knows.
    ways.push({ command: setpriv, args: ['--pdeathsig', 'TERM', program, '-Z', 'root'] })
  } else if (setpriv !== null) {
    ways.push({ command: setpriv, args: ['--pdeathsig', 'TERM', program] })
  }
  ways.push(plain)
  if (isRoot) ways.push({ command: program, args: ['-Z', 'root'] })
  return ways
}

function launch(way: Way, options: TcpdumpOptions): ChildProcess {
  const args = [...way.args, ...tcpdumpArguments(options)]
  const { netns } = options.target
  const start = (command: string, words: readonly string[]) =>
    spawn(command, words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: searched().join(':'), LC_ALL: 'C', TZ: 'UTC' },
    })
  if (netns === null) return start(way.command, args)
  // spawn() forks before it returns: the child is born in the namespace that this thread is in.
  const born = inNamespace(netns, () => start(way.command, args))
  if (born.is === 'read') return born.value
  if (born.why === 'denied') throw notPermitted(options, born.detail ?? 'permission denied')
  if (born.why === 'missing') throw gone(options)
  const nsenter = find('nsenter')
  if (nsenter === null) throw notPermitted(options, `${born.detail}, and nsenter is not installed`)
  return start(nsenter, [`--net=${netns}`, way.command, ...args])
}

function tcpdumpArguments(options: TcpdumpOptions): string[] {
  return [
    ...['-i', options.interface, '-n', '-s', String(options.snapLen)],
    ...(options.promiscuous ? [] : ['-p']),
    ...['--time-stamp-precision=nano', '-B', String(KERNEL_BUFFER_KB), '-U', '-w', '-'],
    // One word behind --: a filter cannot become an option.
    ...(options.filter === '' ? [] : ['--', options.filter]),
  ]
}

type Started =
  | { is: 'listening'; tcpdump: Tcpdump; words: TcpdumpWords }
  | { is: 'ended'; words: TcpdumpWords }

/** Waits until it listens, or has ended with a complaint. */
function listening(child: ChildProcess, options: TcpdumpOptions): Promise<Started> {
  const words = new TcpdumpWords()
  const said = new Promise((resolve) => child.stderr!.on('close', resolve))
  const ended = new Promise<{ code: number | null }>((resolve) => {
    // Not 'close' of the child: that waits until somebody has read all packets.
    child.on('exit', (code) => said.then(() => resolve({ code })))
    child.on('error', (cause) => {
      words.add(`${(cause as Error).message}\n`)
      resolve({ code: null })
    })
  })
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(failureOf(`${words.text}\nno answer within ${START_MS / 1000} s`, options))
    }, START_MS)
    const settle = (started: Started) => {
      clearTimeout(timer)
      resolve(started)
    }
    child.stderr!.on('data', (octets: Uint8Array) => {
      words.add(octets.toString())
      if (!words.isListening) return
      settle({ is: 'listening', tcpdump: running(child, words, ended), words })
    })
    ended.then(() => settle({ is: 'ended', words }))
  })
}

function running(child: ChildProcess, words: TcpdumpWords, ended: Tcpdump['ended']): Tcpdump {
  let stopping = false
  return {
    pid: child.pid!,
    stdout: child.stdout!,
    words,
    ended,
    stop() {
      if (stopping) return
      stopping = true
      child.kill('SIGINT')
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      ended.then(() => clearTimeout(timer))
    },
  }
}

/** An ordinary user's path lacks where tcpdump is. */
function searched(): string[] {
  const own = (process.env['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/'))
  return [...own, '/usr/sbin', '/sbin', '/usr/local/sbin', '/usr/bin', '/bin']
}

function find(name: string): string | null {
  for (const folder of searched()) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not there.
    }
  }
  return null
}

function toolMissing(): TcpwhyError {
  return new TcpwhyError(
    'CAPTURE_TOOL_MISSING',
    'tcpdump is not installed on this host',
    'Install it here, not in the container: apt-get install tcpdump, dnf install tcpdump, or apk add tcpdump.',
  )
}

function notPermitted({ target }: TcpdumpOptions, why: string): TcpwhyError {
  return new TcpwhyError(
    'CAPTURE_NOT_PERMITTED',
    `The network namespace of ${target.label} cannot be entered: ${why}`,
    'Run it with sudo: it takes CAP_SYS_ADMIN, CAP_SYS_PTRACE and CAP_NET_RAW.',
  )
}

function gone({ target }: TcpdumpOptions): TcpwhyError {
  return new TcpwhyError(
    'TARGET_NOT_FOUND',
    `The network namespace of ${target.label} is gone`,
    'Its process ended: find the one that took its place.',
  )
}
