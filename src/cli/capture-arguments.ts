import type { CaptureOptions } from '../app/capture/capture.ts'
import { DEFAULT_FILTER, HEADER_OCTETS } from '../app/capture/defaults.ts'
import type { TriggerSpec } from '../app/capture/triggers.ts'
import { TcpwhyError } from '../base/errors.ts'
import { parseDuration } from './duration.ts'
import type { Arguments } from './spec.ts'

/** What to capture, of the words that were typed. */
export interface CaptureRequest {
  capture: Omit<CaptureOptions, 'output' | 'signal' | 'onEvent' | 'host'>
  /** '-' is standard output; null: a name is to be made up. */
  output: string | null
  analyze: boolean
  quiet: boolean
}

/** https://www.tcpdump.org/manpages/tcpdump.1.html, -s: 0 is the most. */
const WHOLE_PACKETS = 262_144
const DEFAULT_SIZE = 500_000_000
/** A ring is of 20 pieces, and a piece holds what comes at once. */
const MIN_SIZE = 4_000_000
const DEFAULT_RING_MS = 120_000
const DEFAULT_TAIL_MS = 30_000
/** Timers of Node end at 2^31 ms. */
const LIMITS = { min: 1, max: 500 * 3_600_000 }
const DEFAULT_BURST = { count: 10, withinMs: 1000 }
const MAX_PATTERN = 1000
const ICMP = 'icmp or icmp6'

/** @throws TcpwhyError BAD_ARGUMENT */
export function captureRequest(args: Arguments): CaptureRequest {
  const has = (name: string) => args.options[name] !== undefined
  const one = (name: string) => args.options[name]?.[0]
  const duration = (name: string) => {
    const text = one(name)
    return text === undefined ? null : parseDuration(`--${name}`, text, LIMITS)
  }
  const triggers = (args.options['trigger'] ?? []).map(trigger)
  const ringMs = duration('ring') ?? (triggers.length > 0 ? DEFAULT_RING_MS : null)
  const output = one('write') ?? null
  const request: CaptureRequest = {
    capture: {
      ...target(args),
      interface: one('interface') ?? 'any',
      snapLen: has('full') ? WHOLE_PACKETS : HEADER_OCTETS,
      filter: filterOf(args),
      promiscuous: has('promiscuous'),
      maxOctets: has('max-size') ? size(one('max-size')!) : DEFAULT_SIZE,
      ringMs,
      triggers,
      tailMs: duration('tail') ?? DEFAULT_TAIL_MS,
      times: has('times') ? count('--times', one('times')!) : 1,
      forMs: duration('for'),
    },
    output,
    analyze: has('analyze'),
    quiet: has('quiet'),
  }
  checkTogether(request, has)
  return request
}

function checkTogether(
  { capture, output, analyze }: CaptureRequest,
  has: (name: string) => boolean,
) {
  const bursts = capture.triggers.filter(({ kind }) => kind === 'reset-burst')
  if (bursts.length > 1) {
    throw bad('--trigger reset-burst was given twice', 'Give the one that is reached first.')
  }
  if (capture.triggers.length === 0 && (has('tail') || has('times'))) {
    throw bad(`--${has('tail') ? 'tail' : 'times'} without --trigger`, 'Add --trigger reset-burst.')
  }
  if (output !== '-') return
  if (capture.ringMs !== null || analyze) {
    const what = analyze ? '--analyze' : '--ring and --trigger'
    throw bad(`${what} and -w - exclude each other`, 'Name a file: -w incident.pcapng.')
  }
}

function target(args: Arguments): Pick<CaptureOptions, 'netns' | 'pid' | 'container'> {
  const { netns, pid, container } = args.options
  const given = Object.entries({ netns, pid, container }).filter(([, value]) => value !== undefined)
  if (given.length > 1) {
    const names = given.map(([name]) => `--${name}`).join(' and ')
    throw bad(`${names} exclude each other`, 'Each names the network namespace to capture in.')
  }
  if (pid?.[0] !== undefined) return { pid: count('--pid', pid[0]) }
  if (netns?.[0] !== undefined) return { netns: netns[0] }
  return container?.[0] === undefined ? {} : { container: container[0] }
}

/** Ports: their TCP, and ICMP, because errors about them have no ports of their own. */
function filterOf(args: Arguments): string {
  const words = args.operands.join(' ').trim()
  const ports = (args.options['port'] ?? []).map(port)
  if (ports.length === 0) return words === '' ? DEFAULT_FILTER : words
  const tcp = ports.map((one) => `tcp port ${one}`).join(' or ')
  const ofPorts = `${tcp} or ${ICMP}`
  return words === '' ? ofPorts : `(${ofPorts}) and (${words})`
}

function port(text: string): number {
  const value = Number(text)
  if (/^\d{1,5}$/.test(text) && value > 0 && value < 65536) return value
  throw bad(`--port ${text} is not a port number`, 'Give a number from 1 to 65535.')
}

function count(option: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw bad(`${option} ${text} is not a number`, 'Give a whole number, from 1 on.')
}

const UNITS: Record<string, number> = { '': 1, k: 1e3, m: 1e6, g: 1e9 }

/** "500m", "2g": powers of ten, as tcpdump's -C. */
function size(text: string): number {
  const [, digits, unit] = /^(\d{1,9})([kmg]?)b?$/i.exec(text) ?? []
  const octets = Number(digits) * (UNITS[unit?.toLowerCase() ?? ''] ?? Number.NaN)
  if (octets >= MIN_SIZE) return octets
  throw bad(`--max-size ${text} is not a size`, 'Write 500m or 2g; at least 4m.')
}

function trigger(text: string): TriggerSpec {
  const at = text.indexOf(':')
  const kind = at < 0 ? text : text.slice(0, at)
  const rest = at < 0 ? null : text.slice(at + 1)
  if (kind === 'reset-burst') return { kind, ...burst(rest, text) }
  if (kind === 'overflow' && rest === null) return { kind }
  if (kind === 'close-wait' && rest !== null) {
    return { kind, count: count('--trigger close-wait', rest) }
  }
  if (kind === 'log' && rest !== null) return log(rest)
  throw bad(
    `--trigger ${text} is not understood`,
    'Write reset-burst, reset-burst:50/10s, overflow, close-wait:100 or log:FILE:REGEX.',
  )
}

function burst(rest: string | null, text: string): { count: number; withinMs: number } {
  if (rest === null) return DEFAULT_BURST
  const [, digits = '', time] = /^(\d+)(?:\/(.+))?$/.exec(rest) ?? []
  if (digits === '') throw bad(`--trigger ${text} is not understood`, 'Write reset-burst:50/10s.')
  return {
    count: count('--trigger reset-burst', digits),
    withinMs:
      time === undefined
        ? DEFAULT_BURST.withinMs
        : parseDuration('--trigger reset-burst', time, LIMITS),
  }
}

function log(rest: string): TriggerSpec {
  const at = rest.indexOf(':')
  const [path, source] = at < 0 ? [rest, ''] : [rest.slice(0, at), rest.slice(at + 1)]
  if (path === '' || source === '' || source.length > MAX_PATTERN) {
    throw bad(`--trigger log:${rest} has no pattern`, "Write 'log:/var/log/app.log:reset by peer'.")
  }
  try {
    return { kind: 'log', path, pattern: new RegExp(source) }
  } catch (cause) {
    throw bad(`${(cause as Error).message}`, 'It is a regular expression of JavaScript.')
  }
}

function bad(what: string, todo: string): TcpwhyError {
  return new TcpwhyError('BAD_ARGUMENT', what, todo)
}
