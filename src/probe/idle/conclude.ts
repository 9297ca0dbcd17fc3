import { probeWords } from '../../messages/en/probe.ts'
import { render as fill, formatDuration, formatSeconds } from '../../messages/render.ts'
import type { IdleRun, IdleSettings, IdleTarget } from './report.ts'

const words = probeWords.idle

/** What is known of one target: the limit of a connection that is silent, if there is one. */
export interface Limit {
  target: IdleTarget
  run: IdleRun
  fromMs: number
  toMs: number
}

/** The plain run of a target, where connections died of their silence, and not a single one. */
export function limitOf(target: IdleTarget): Limit | null {
  const found = deathOf(target)
  return found !== null && isRepeated(found.run) ? found : null
}

function deathOf(target: IdleTarget): Limit | null {
  const run = plainRun(target)
  if (run === undefined || run.shortestDiedMs === null) return null
  return { target, run, fromMs: run.longestSurvivedMs, toMs: run.shortestDiedMs }
}

/**
 * All rungs of the ladder are silent since the same moment, so a restart of the target looks like a limit there. The fan tries what
 * killed again, on connections that were begun later.
 */
export function isRepeated({ attempts, longestSurvivedMs }: IdleRun): boolean {
  const deaths = attempts.filter(
    ({ outcome, silenceMs }) =>
      outcome !== 'ok' && outcome !== 'unusable' && silenceMs >= longestSurvivedMs * 0.95,
  )
  return deaths.length !== 1
}

function plainRun({ runs }: IdleTarget): IdleRun | undefined {
  return runs.find(({ keepalive, traffic }) => keepalive === 'off' && traffic === 'none')
}

/** Every target has its limit within the precision, or is known to have none up to `--max`. */
export function isDecided(targets: readonly IdleTarget[], settings: IdleSettings): boolean {
  return targets.every((target) => {
    const limit = limitOf(target)
    if (limit !== null) return limit.toMs - limit.fromMs <= settings.precisionMs * ROUGHLY
    return (plainRun(target)?.longestSurvivedMs ?? 0) >= settings.maxMs * 0.95
  })
}

/** Long round trips widen the interval a little; it is told as it is. */
const ROUGHLY = 1.5

/** One or two sentences a target, and one that compares them. */
export function conclusionOf(targets: readonly IdleTarget[], settings: IdleSettings): string {
  const each = targets.map((target) => sentenceOf(target, settings))
  return [...each, ...comparison(targets)].join(' ')
}

function sentenceOf(target: IdleTarget, { maxMs }: IdleSettings): string {
  const limit = limitOf(target)
  const { name } = target
  const once = limit === null ? deathOf(target) : null
  if (once !== null) {
    return fill(words.once, { name, interval: intervalText(once.fromMs, once.toMs) })
  }
  if (limit === null) {
    const run = plainRun(target)
    const survivedMs = run?.longestSurvivedMs ?? 0
    const codes = run?.attempts.find(({ outcome }) => outcome === 'unusable')?.code
    if (survivedMs === 0) return fill(words.unusable, { name, why: whyText(codes) })
    const text = survivedMs >= maxMs * 0.95 ? words.none : words.noneSoFar
    return fill(text, { name, max: formatDuration(Math.min(survivedMs, maxMs)) })
  }
  const { flavour, by } = limit.run
  const text = words.limit[by ?? 'unknown'][flavour ?? 'silent']
  const interval = intervalText(limit.fromMs, limit.toMs)
  return [fill(text, { name, interval }), ...keptText(limit)].join(' ')
}

function whyText(code: string | undefined): string {
  if (code === undefined) return words.why.nothing
  return words.why[code as keyof typeof words.why] ?? code
}

/** "between 1,798.1 and 1,801.9 s" */
function intervalText(fromMs: number, toMs: number): string {
  const from = formatSeconds(fromMs, 'down').replace(/ s$/, '')
  return fill(words.interval, { from, to: formatSeconds(toMs, 'up') })
}

/** Whether keepalive or a heartbeat keeps it alive: those that were tried for as long as kills without. */
function keptText({ target, run, toMs }: Limit): string[] {
  const tried = target.runs.filter((other) => other !== run && reaches(other, toMs))
  return tried.map((other) => {
    const survived = other.shortestDiedMs === null
    if (other.traffic === 'heartbeat') return survived ? words.heartbeat.helps : words.heartbeat.not
    const { helps, not } = words.keepalive
    return fill(survived ? helps : not, { keepalive: other.keepalive })
  })
}

function reaches({ longestSurvivedMs, shortestDiedMs }: IdleRun, ms: number): boolean {
  return longestSurvivedMs >= ms * 0.95 || shortestDiedMs !== null
}

/** Where one path has a limit and another has none that short, it is on the one and not on the other. */
function comparison(targets: readonly IdleTarget[]): string[] {
  const limits = targets.flatMap((target) => limitOf(target) ?? [])
  const [first] = limits
  if (first === undefined || targets.length < 2) return []
  const longer = targets.filter(
    (target) => (plainRun(target)?.longestSurvivedMs ?? 0) > first.toMs && limitOf(target) === null,
  )
  if (longer.length === 0) return []
  const names = longer.map(({ name }) => name).join(', ')
  return [fill(words.differ, { names, name: first.target.name })]
}

/** What the conclusion takes for granted. */
export function assumptionsOf(
  targets: readonly IdleTarget[],
  { request }: IdleSettings,
  watched: { cannot: string } | null,
): string[] {
  const limits = targets.flatMap((target) => limitOf(target) ?? [])
  const flavours = new Set(limits.map(({ run }) => run.flavour))
  const has = (by: IdleRun['by']) => limits.some(({ run }) => run.by === by)
  const told = has('server') || has('middlebox')
  return [
    words.assumed[request === 'keepalive-probe' ? 'nothingSaid' : 'afterAnswer'],
    words.assumed.ladder,
    ...(watched === null ? [] : [fill(words.assumed.notWatched, { why: watched.cannot })]),
    ...(flavours.has('silent') ? [words.assumed.silent] : []),
    ...(told && (flavours.has('fin') || flavours.has('reset')) ? [words.assumed.ttl] : []),
    ...(has('server') ? [words.assumed.proxy] : []),
    ...(has('unknown') && watched === null ? [words.assumed.sameTtl] : []),
  ]
}
