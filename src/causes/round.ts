/** Seconds people and libraries choose. */
const ROUND_S = [
  0.25, 0.5, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 45, 50, 60, 90, 100, 120, 180, 240,
  300, 600,
]

/** The round time this wait is: within 1 %, at least 30 ms. */
export function roundSeconds(ms: number): number | null {
  return ROUND_S.find((s) => Math.abs(ms - s * 1000) <= Math.max(30, s * 10)) ?? null
}
