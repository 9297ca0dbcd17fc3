import { probeWords } from '../../messages/en/probe.ts'
import { render as fill, formatCount, formatDuration } from '../../messages/render.ts'
import type { LoadStep, Tipping } from './report.ts'
import { noiseOf } from './tipping.ts'

const words = probeWords.load.tipping

/** Where it tips, in sentences. */
export function tippingTexts(steps: readonly LoadStep[], tipping: Tipping): string[] {
  const told = steps.filter(({ whole, answeredPerS }) => whole && answeredPerS > 0)
  const [before, last] = [told.at(-2), told.at(-1)]
  const fails = failsText(steps, tipping)
  if (before === undefined || last === undefined) return [words.few, ...fails]
  const step = told.find(({ concurrency }) => concurrency === tipping.at) ?? before
  const values = {
    at: formatCount(step.concurrency),
    rate: rateOf(step),
    p99: p99Of(step),
    before: formatCount(before.concurrency),
    beforeRate: rateOf(before),
    last: formatCount(last.concurrency),
    lastRate: rateOf(last),
    lastP99: p99Of(last),
    cpu: Math.round(Math.max(...told.map(({ ownCpu }) => ownCpu ?? 0)) * 100),
  }
  if (tipping.is === 'none') return [fill(words.none, values), ...fails]
  if (tipping.is === 'unclear') return [fill(words.noise, values), ...fails]
  const isLess = last.answeredPerS < step.answeredPerS * (1 - noiseOf(step, last))
  return [
    fill(isLess ? words.fewer : words.same, values),
    ...(step === told[0] ? [words.first] : []),
    ...(tipping.by === 'unknown' ? [fill(words.busy, values)] : []),
    ...fails,
  ]
}

function failsText(steps: readonly LoadStep[], { failsFrom }: Tipping): string[] {
  const step = steps.find(({ concurrency }) => concurrency === failsFrom)
  const [commonest] = step?.failures ?? []
  if (step === undefined || commonest === undefined) return []
  const percent = Math.round((step.requests.failed / step.requests.begun) * 1000) / 10
  const kind = probeWords.failure[commonest.kind]
  return [fill(words.fails, { failsFrom: formatCount(step.concurrency), percent, kind })]
}

function rateOf({ answeredPerS }: LoadStep): string {
  return answeredPerS < 10 ? String(answeredPerS) : formatCount(Math.round(answeredPerS))
}

function p99Of({ latencyMs }: LoadStep): string {
  return formatDuration(latencyMs.corrected?.p99 ?? 0)
}
