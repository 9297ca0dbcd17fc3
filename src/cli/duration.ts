import { TcpwhyError } from '../base/errors.ts'

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 } as const
const PART = /^(\d{1,9}(?:\.\d{1,6})?)(ms|s|min|m|h)?$/

/**
 * "500ms", "5s", "1.5m", "1h" or "1h30m" in milliseconds; a number alone is seconds.
 * @throws TcpwhyError BAD_ARGUMENT also where it is not in [min, max]
 */
export function parseDuration(
  option: string,
  text: string,
  { min, max }: { min: number; max: number },
): number {
  const parts = text.match(/\d+(?:\.\d+)?[a-z]*/g) ?? []
  const ms = parts.join('') === text && parts.length > 0 ? sumOf(parts) : null
  if (ms !== null && ms >= min && ms <= max) return ms
  throw new TcpwhyError(
    'BAD_ARGUMENT',
    `${option} ${text} is not a time that it takes`,
    `Write 500ms, 5s, 30m or 1h; from ${shown(min)} to ${shown(max)}.`,
  )
}

function sumOf(parts: readonly string[]): number | null {
  let sum = 0
  for (const part of parts) {
    const match = PART.exec(part)
    const unit = match?.[2] ?? (parts.length === 1 ? 's' : undefined)
    if (match === null || unit === undefined) return null
    sum += Number(match[1]) * UNIT_MS[unit as keyof typeof UNIT_MS]
  }
  return sum
}

function shown(ms: number): string {
  if (ms % UNIT_MS.h === 0 && ms > 0) return `${ms / UNIT_MS.h}h`
  return ms % 1000 === 0 && ms > 0 ? `${ms / 1000}s` : `${ms}ms`
}
