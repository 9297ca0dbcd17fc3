/** Nanoseconds, a float64: a name of its own, because what is compiled to WebAssembly (scripts/core) must tell it from an int32. */
export type Ns = number

const NS_PER_S = 1_000_000_000n
const NS_PER_MS = 1_000_000

/** "2024-05-01T12:00:00.123456789Z" of nanoseconds since 1970. Times outside of years 0..9999 give the nearest limit. */
export function formatInstant(ns: bigint): string {
  let s = ns / NS_PER_S
  let rest = ns % NS_PER_S
  if (rest < 0n) {
    rest += NS_PER_S
    s -= 1n
  }
  const seconds = Math.min(Math.max(Number(s), -62_167_219_200), 253_402_300_799)
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19)
  return `${whole}.${String(rest).padStart(9, '0')}Z`
}

/** The instant `ms` after `originNs`, rounded to the nanosecond. */
export function instantAfter(originNs: bigint, ms: number): bigint {
  return originNs + BigInt(Math.round(ms * NS_PER_MS))
}
