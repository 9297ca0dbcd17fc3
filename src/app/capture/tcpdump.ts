// tcpdump 4.9 to 4.99: what it prints on standard error (tcpdump.c), and what libpcap says (pcap-linux.c, gencode.c).
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, closeSync, constants, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TcpwhyError } from '../../base/errors.ts'
import type { ByteSource } from '../../capture/byte-source.ts'
import { streamSource } from '../byte-sources.ts'
import { inNamespace } from '../kernel/namespace.ts'
import { openPipe, type Pipe } from './pipe.ts'
import type { Target } from './target.ts'
import { failureOf, TcpdumpWords } from './tcpdump-words.ts'

export interface TcpdumpOptions {
  target: Target
  interface: string
  snapLen: number
  filter: string
  /** Also what is not addressed to this machine (a mirror port). */
  promiscuous: boolean
  /**
   * Some dozens of packets are handed on together, which costs a third of one by one: for whoever looks at none before the end.
   * None is held back then.
   */
  inBulk?: boolean
  /** Each packet at once, not up to a second later in a block: for few packets that are waited for. */
  immediate?: boolean
}

/** tcpdump, listening. */
export interface Tcpdump {
  pid: number
  /** Packets as pcap. */
  octets: ByteSource
  /** What still comes has no place. */
  discard(): void
  /** What it said so far, its counts among it. */
  words: TcpdumpWords
  /** Asks it to end: what it holds back comes, then the end of `octets`. May be called again. */
  stop(): void
  /** Has it print its counts, where it knows how to (4.9 and later). */
  askCounts(): void
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
  if (process.platform === 'win32') throw notHere()
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

interface Launched {
  child: ChildProcess
  pipe: Pipe | null
}

function launch(way: Way, options: TcpdumpOptions): Launched {
  const pipe = openPipe()
  try {
    return { child: spawned(way, options, pipe?.writeEnd ?? 'pipe'), pipe }
  } catch (cause) {
    pipe?.source.close()
    throw cause
  } finally {
    if (pipe !== null) closeSync(pipe.writeEnd)
  }
}

function spawned(way: Way, options: TcpdumpOptions, stdout: number | 'pipe'): ChildProcess {
  const args = [...way.args, ...tcpdumpArguments(options)]
  const { netns } = options.target
  const start = (command: string, words: readonly string[]) =>
    spawn(command, words, {
      stdio: ['ignore', stdout, 'pipe'],
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
    ...(options.immediate === true ? ['--immediate-mode'] : []),
    ...['--time-stamp-precision=nano', '-B', String(KERNEL_BUFFER_KB), '-w', '-'],
    ...(options.inBulk === true ? [] : ['-U']),
    // One word behind --: a filter cannot become an option.
    ...(options.filter === '' ? [] : ['--', options.filter]),
  ]
}

type Started =
  | { is: 'listening'; tcpdump: Tcpdump; words: TcpdumpWords }
  | { is: 'ended'; words: TcpdumpWords }

/** Waits until it listens, or has ended with a complaint. */
function listening(launched: Launched, options: TcpdumpOptions): Promise<Started> {
  const { child, pipe } = launched
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
      settle({ is: 'listening', tcpdump: running(launched, words, ended), words })
    })
    ended.then(() => {
      if (!words.isListening) pipe?.source.close()
      settle({ is: 'ended', words })
    })
  })
}

function running({ child, pipe }: Launched, words: TcpdumpWords, ended: Tcpdump['ended']): Tcpdump {
  let stopping = false
  return {
    pid: child.pid!,
    octets: pipe?.source ?? streamSource(child.stdout!),
    discard() {
      pipe?.source.close()
      child.stdout?.resume()
    },
    words,
    ended,
    askCounts() {
      if (catches(child.pid!, SIGUSR1)) child.kill('SIGUSR1')
    },
    stop() {
      if (stopping) return
      stopping = true
      child.kill('SIGINT')
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      ended.then(() => clearTimeout(timer))
    },
  }
}

const SIGUSR1 = 10

/** A signal that a process does not catch would end it. */
function catches(pid: number, signal: number): boolean {
  try {
    const caught = /^SigCgt:\s*([\da-f]+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return ((BigInt(`0x${caught ?? '0'}`) >> BigInt(signal - 1)) & 1n) === 1n
  } catch {
    return false
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

function notHere(): TcpwhyError {
  return new TcpwhyError(
    'CAPTURE_TOOL_MISSING',
    'Capturing needs Linux: this is Windows',
    'Capture with Wireshark or dumpcap here, and give the file to tcpwhy.',
  )
}

function notPermitted({ target }: TcpdumpOptions, why: string): TcpwhyError {
  return new TcpwhyError(
    'CAPTURE_NOT_PERMITTED',
    `Cannot capture in ${target.label}: ${why}`,
    'Run it with sudo: it takes CAP_SYS_ADMIN, CAP_SYS_PTRACE and CAP_NET_RAW.',
  )
}

function gone({ target }: TcpdumpOptions): TcpwhyError {
  return new TcpwhyError(
    'TARGET_NOT_FOUND',
    `Cannot capture in ${target.label}: its network namespace is gone`,
    'Its process ended: find the one that took its place.',
  )
}
