import { formatEndpoint } from '../base/addresses.ts'
import { TcpwhyError } from '../base/errors.ts'
import { version } from '../base/version.ts'
import { type HostFiles, readOrNull } from '../host/host-files.ts'
import { atLeast, parseKernelVersion } from '../host/kernel-version.ts'
import { type QueueSettings, queueLimits } from '../host/queue-limits.ts'
import type { QueueReport, QueueValueFrom, WaitingListener } from '../host/queue-report.ts'
import { listeners } from '../host/readers/listeners.ts'
import { nodeHost } from './node-host.ts'

/** What was given; the rest is read from this host, unless `kernel` says that another machine is meant. */
export type QueueOptions = Partial<QueueSettings> & { kernel?: string }

type Setting = keyof QueueSettings
type Value = { value: number; from: QueueValueFrom }

const OPTION: Record<Setting, string> = {
  backlog: '--backlog',
  somaxconn: '--somaxconn',
  tcp_max_syn_backlog: '--max-syn-backlog',
  tcp_syncookies: '--syncookies',
}
const SETTINGS = Object.keys(OPTION) as Setting[]

const SYSCTL: Record<Exclude<Setting, 'backlog'>, string> = {
  somaxconn: '/proc/sys/net/core/somaxconn',
  tcp_max_syn_backlog: '/proc/sys/net/ipv4/tcp_max_syn_backlog',
  tcp_syncookies: '/proc/sys/net/ipv4/tcp_syncookies',
}

/**
 * How many connections and handshakes a listener's queues hold: `tcpwhy queue`.
 * @throws TcpwhyError BAD_ARGUMENT, QUEUE_VALUES_MISSING
 */
export async function queueSizes(
  options: QueueOptions,
  host: HostFiles = nodeHost(),
): Promise<QueueReport> {
  const { kernel: given } = options
  if (given !== undefined && parseKernelVersion(given) === null) {
    throw new TcpwhyError(
      'BAD_ARGUMENT',
      `--kernel ${given} is not a version of Linux`,
      'Give what uname -r prints there: --kernel 6.1.0-32-amd64, or --kernel 4.3.',
    )
  }
  const isHere = given === undefined && host.platform() === 'linux'
  const kernel = isHere ? host.release() : given
  const found = isHere ? ofHost(host) : defaults(given)
  const settings = merged(options, found)
  if (kernel === undefined || !isComplete(settings)) throw missing(options, settings, host)
  return {
    schema: 'tcpwhy.queue/1',
    tool: { name: 'tcpwhy', version },
    kernel,
    kernelFrom: isHere ? 'host' : 'given',
    settings,
    ...queueLimits(kernel, numbersOf(settings)),
    ...(isHere ? { listeners: listenersOf(host) } : {}),
  }
}

/** A backlog that was not given is the largest int: somaxconn alone holds it down. */
function numbersOf(settings: Record<Setting, Value>): QueueSettings {
  const { backlog, somaxconn, tcp_max_syn_backlog, tcp_syncookies } = settings
  return {
    backlog: backlog.from === 'largest' ? 2 ** 31 - 1 : backlog.value,
    somaxconn: somaxconn.value,
    tcp_max_syn_backlog: tcp_max_syn_backlog.value,
    tcp_syncookies: tcp_syncookies.value,
  }
}

type Found = Partial<Record<Setting, Value>>

function ofHost(host: HostFiles): Found {
  const found: Found = {}
  for (const [name, path] of Object.entries(SYSCTL)) {
    const text = (readOrNull(host.text(path)) ?? '').trim()
    if (/^\d{1,10}$/.test(text)) found[name as Setting] = { value: Number(text), from: 'host' }
  }
  // listen() cuts a larger one to somaxconn: this is what a program can get at most.
  if (found.somaxconn !== undefined) {
    found.backlog = { value: found.somaxconn.value, from: 'largest' }
  }
  return found
}

/** Those with the longest queue first; null where they cannot be read. */
function listenersOf(host: HostFiles): WaitingListener[] | null {
  if (listeners.canRun(host, {}).is !== 'yes') return null
  return listeners
    .read(host, {})
    .listeners.map(({ local, depth }) => ({
      local: formatEndpoint(local.address, local.port),
      waiting: depth,
    }))
    .sort((a, b) => b.waiting - a.waiting)
}

/** SOMAXCONN is 128, and since 19f92a030ca6 (5.4) 4096. The other defaults depend on memory and build. */
function defaults(release: string | undefined): Found {
  const kernel = release === undefined ? null : parseKernelVersion(release)
  if (kernel === null) return {}
  return { somaxconn: { value: atLeast(kernel, [5, 4]) ? 4096 : 128, from: 'default' } }
}

function merged(options: QueueOptions, found: Found): Found {
  const settings: Found = {}
  for (const name of SETTINGS) {
    const given = options[name]
    const value = given === undefined ? found[name] : ({ value: given, from: 'given' } as const)
    if (value !== undefined) settings[name] = value
  }
  // The largest that this somaxconn, given or not, lets through.
  if (settings.backlog?.from === 'largest' && settings.somaxconn !== undefined) {
    settings.backlog = { value: settings.somaxconn.value, from: 'largest' }
  }
  return settings
}

function isComplete(settings: Found): settings is Record<Setting, Value> {
  return SETTINGS.every((name) => settings[name] !== undefined)
}

function missing(options: QueueOptions, settings: Found, host: HostFiles): TcpwhyError {
  const isLinux = host.platform() === 'linux'
  const names = [
    ...(options.kernel === undefined && !isLinux ? ['--kernel'] : []),
    ...SETTINGS.filter((name) => settings[name] === undefined).map((name) => OPTION[name]),
  ]
  const why =
    options.kernel !== undefined
      ? 'With --kernel another machine is meant, and of it'
      : isLinux
        ? '/proc/sys does not tell all values here;'
        : `This is no Linux (${host.platform()}), so nothing can be read here;`
  return new TcpwhyError(
    'QUEUE_VALUES_MISSING',
    `${why} ${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} missing`,
    'Give them: tcpwhy queue --kernel 6.1.125 --backlog 511 --somaxconn 4096 --max-syn-backlog 512 --syncookies 1',
  )
}
