import type { TimeSpec } from '../app/types.ts'
import { TcpwhyError } from '../base/errors.ts'

const RELATIVE = /^\+(\d{1,9})(?:\.(\d{1,9}))?$/
const CLOCK = /^(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?$/
const ISO =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?(Z|[+-]\d{2}:?\d{2})?$/

/**
 * "+12.5" (seconds after the first frame), "09:14:03.5" or "2026-11-20T09:14:03.5Z"; to the nanosecond.
 * @throws TcpwhyError BAD_ARGUMENT
 */
export function parseTime(option: string, text: string): TimeSpec {
  return relative(text) ?? clock(text) ?? absolute(text) ?? complain(option, text)
}

function complain(option: string, text: string): never {
  throw new TcpwhyError(
    'BAD_ARGUMENT',
    `${option} ${text} is not a time`,
    'Write 2026-11-20T09:14:03.5Z, 09:14:03.5 (UTC) or +12.5 (seconds after the start).',
  )
}

function relative(text: string): TimeSpec | null {
  const match = RELATIVE.exec(text)
  if (match === null) return null
  return { is: 'relative', ns: seconds(Number(match[1])) + fraction(match[2]) }
}

function clock(text: string): TimeSpec | null {
  const match = CLOCK.exec(text)
  if (match === null) return null
  const [hours, minutes, s] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)]
  if (hours > 23 || minutes > 59 || s > 59) return null
  const ns = seconds(hours * 3600 + minutes * 60 + s) + fraction(match[4])
  return { is: 'time-of-day', ns }
}

function absolute(text: string): TimeSpec | null {
  const match = ISO.exec(text)
  if (match === null) return null
  const [, day, minute = '00:00', second = '00', nanos, zone = 'Z'] = match
  const ms = Date.parse(`${day}T${minute}:${second}${zone.replace(/(\d{2})(\d{2})$/, '$1:$2')}`)
  // Date.parse takes 2026-02-30 for the second of March; a day that does not exist is a typo.
  const real = new Date(Date.parse(`${day}T00:00:00Z`))
  if (Number.isNaN(ms) || real.toISOString().slice(0, 10) !== day) return null
  return { is: 'absolute', epochNs: BigInt(ms) * 1_000_000n + fraction(nanos) }
}

function seconds(n: number): bigint {
  return BigInt(n) * 1_000_000_000n
}

function fraction(digits: string | undefined): bigint {
  return BigInt((digits ?? '').padEnd(9, '0'))
}
