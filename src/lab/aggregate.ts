import type { LabScore, ScoreRow, ScoreRun } from './report.ts'

/** Whether runs of one story differ: in what was concluded from any evidence, or in whether it could be played at all. */
export function isUnstable(runs: readonly ScoreRun[]): boolean {
  return new Set(runs.map(answersOf)).size > 1
}

function answersOf({ isReproduced, failed, concluded, agreement }: ScoreRun): string {
  const answers = concluded.map(({ evidence, judged, first }) => [
    evidence,
    judged,
    judged === 'undecided' || judged === 'unseen' ? null : first,
  ])
  return JSON.stringify([isReproduced, failed !== null, answers, agreement?.is])
}

/** Sure claims that were not true. */
export function wrongOf(rows: readonly ScoreRow[]): number {
  const all = rows.flatMap((row) => row.runs.flatMap((run) => run.concluded))
  return all.filter(({ judged }) => judged === 'wrong').length
}

/** Of each run the time in which something was played: a run that was killed and resumed did not take the pause. */
export function tookOf(rows: readonly ScoreRow[]): LabScore['took'] {
  const most = Math.max(0, ...rows.map(({ runs }) => runs.length))
  return Array.from({ length: most }, (_, n) => {
    const played = rows.flatMap(({ scenario, variant, runs }) => {
      const run = runs[n]
      return run === undefined ? [] : [{ story: `${scenario}/${variant}`, ...run }]
    })
    const longest = played.reduce((a, b) => (b.seconds > a.seconds ? b : a))
    return {
      run: n + 1,
      seconds: Math.round(unionSeconds(played)),
      longest: { story: longest.story, seconds: longest.seconds },
    }
  })
}

function unionSeconds(spans: readonly Pick<ScoreRun, 'fromMs' | 'seconds'>[]): number {
  let untilMs = 0
  let sumMs = 0
  for (const { fromMs, seconds } of [...spans].sort((a, b) => a.fromMs - b.fromMs)) {
    const endMs = fromMs + seconds * 1000
    sumMs += Math.max(0, endMs - Math.max(fromMs, untilMs))
    untilMs = Math.max(untilMs, endMs)
  }
  return sumMs / 1000
}
