/** Fewer than this have no interval to speak of. */
const PERIODIC = 3
/** Timers of checkers are regular within this part of their interval. */
const JITTER = 0.2
/** Shorter is a load generator, not a clock. */
const SHORTEST_MS = 100

/** The usual distance in ms when at least three moments keep it within a fifth (one in four may be off), else null. */
export function regularInterval(momentsMs: readonly number[]): number | null {
  if (momentsMs.length < PERIODIC) return null
  const sorted = [...momentsMs].sort((a, b) => a - b)
  const gaps = sorted.slice(1).map((t, i) => t - sorted[i]!)
  const usual = [...gaps].sort((a, b) => a - b)[gaps.length >> 1]!
  if (usual < SHORTEST_MS) return null
  const regular = gaps.filter((g) => Math.abs(g - usual) <= usual * JITTER).length
  // A check that was missed leaves a longer gap; one that came early, once, follows a restart. A clock makes no more of those.
  const early = gaps.filter((g) => g < usual * (1 - JITTER)).length
  return regular * 4 >= gaps.length * 3 && early <= 1 ? usual : null
}
