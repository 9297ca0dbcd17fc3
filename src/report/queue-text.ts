import { assert } from '../base/assert.ts'
import type { QueueBinding, QueueLimit, SynQueue } from '../host/queue-limits.ts'
import type { QueueReport, WaitingListener } from '../host/queue-report.ts'
import { queueWords as words } from '../messages/en/queue.ts'
import { render as fill, formatCount } from '../messages/render.ts'
import { type Paint, paintFor } from './paint.ts'
import { printable } from './printable.ts'
import { widthOf, wrap } from './wrap.ts'

/** `tcpwhy queue` for the terminal: the first line is the answer; at most 100 columns. */
export function queueText(report: QueueReport, { color }: { color: boolean }): string {
  const paint = paintFor(color)
  const lines = [
    ...wrap(headline(report), '').map((line) => paint.bold(line)),
    '',
    ...settingLines(report),
    ...section(words.heading.acceptQueue, acceptTexts(report), paint),
    ...section(words.heading.synQueue, synTexts(report), paint),
    ...listenerLines(report, paint),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function headline({ acceptQueue, synQueue }: QueueReport): string {
  return fill(words.headline, {
    accept: sizeText(acceptQueue, words.connections) + bindsText(acceptQueue),
    syn: sizeText(synQueue, words.handshakes) + bindsText(synQueue) + unprovenText(synQueue),
  })
}

function unprovenText({ unproven }: SynQueue): string {
  if (unproven === undefined) return ''
  const n = formatCount(unproven.limit)
  return `, ${fill(words.headlineUnproven, { n })}${bindsText(unproven)}`
}

function sizeText(
  { limit, between }: QueueLimit,
  unit: { one: string; many: string; unknown: string },
): string {
  if (limit === 1) return unit.one
  if (limit !== null) return fill(unit.many, { n: formatCount(limit) })
  if (between === undefined) return unit.unknown
  const { min, max } = between
  return fill(unit.many, {
    n: fill(words.range, { min: formatCount(min), max: formatCount(max) }),
  })
}

function bindsText({ binding }: Pick<QueueLimit, 'binding'>): string {
  if (binding.length === 0) return ''
  const names = binding.map((id) => words.binding[id]).join(words.and)
  const verb = binding.length === 1 ? words.bindsVerb.one : words.bindsVerb.many
  return fill(words.binds, { what: fill(verb, { names }) })
}

function settingLines({ kernel, kernelFrom, settings }: QueueReport): string[] {
  const rows = [
    [words.setting.kernel, printable(kernel), words.from[kernelFrom]],
    ...Object.entries(settings).map(([name, { value, from }]) => [
      words.setting[name as keyof typeof settings],
      String(value),
      words.from[from],
    ]),
  ]
  return table(rows)
}

function table(rows: readonly string[][]): string[] {
  const width = (column: number) => Math.max(...rows.map((row) => widthOf(row[column] ?? '')))
  const [first, second] = [width(0), width(1)]
  return rows.map(([a = '', b = '', c = '']) =>
    `  ${a.padEnd(first)}  ${b.padEnd(second)}  ${c}`.trimEnd(),
  )
}

function section(heading: string, texts: readonly string[], paint: Paint): string[] {
  return ['', paint.bold(heading), ...texts.flatMap((text) => wrap(text, '  '))]
}

function acceptTexts({ acceptQueue, settings }: QueueReport): string[] {
  const { backlog, somaxconn } = settings
  if (acceptQueue.limit === null) return [unknownText(acceptQueue)]
  const isCut = acceptQueue.binding.includes('sixteen-bits')
  const kept = acceptQueue.limit - 1
  const isClamped = backlog.value < 0 || backlog.value > somaxconn.value
  const asked = isClamped ? somaxconn.value : backlog.value
  return [
    isCut ? fill(words.acceptSixteen, { backlog: asked, kept }) : words.acceptSize,
    ...(backlog.value < 0 ? [fill(words.clamped, { backlog: backlog.value })] : []),
    ...(acceptQueue.whenFull === 'unknown' ? [] : [words.acceptFull[acceptQueue.whenFull]]),
    raiseText(acceptQueue.binding),
  ]
}

function synTexts({ synQueue }: QueueReport): string[] {
  const { whenFull, unproven } = synQueue
  const why = synQueue.unknown === undefined ? [] : [unknownText(synQueue)]
  if (whenFull === 'unknown') return why
  return [
    ...why,
    words.synSize[synQueue.formula ?? 'backlog'],
    ...(unproven === undefined ? [] : [fill(words.unproven, { limit: unproven.limit })]),
    synQueue.unused ? words.synUnused : words.synFull[whenFull],
    raiseText(synQueue.binding),
    ...(unproven === undefined ? [] : [words.raiseUnproven]),
  ]
}

function unknownText({ unknown }: QueueLimit): string {
  assert(unknown !== undefined, 'a limit that is neither known nor unknown')
  return fill(words.cannotTell, { why: words.unknown[unknown] })
}

function raiseText(binding: readonly QueueBinding[]): string {
  const what = binding.map((id) => words.raising[id]).join(words.and)
  return fill(words.raise, { what })
}

const MAX_LISTENERS = 10

function listenerLines({ listeners }: QueueReport, paint: Paint): string[] {
  if (listeners === undefined) return []
  const { heading } = words
  if (listeners === null) return section(heading.listeners, [words.listenersUnreadable], paint)
  if (listeners.length === 0) return section(heading.listeners, [words.noListeners], paint)
  const shown = listeners.filter(({ waiting }) => waiting > 0).slice(0, MAX_LISTENERS)
  const rows = table(shown.map(({ local, waiting }) => [local, formatCount(waiting)]))
  const rest = restText(listeners.slice(shown.length), shown.length === 0)
  const after = [...rest, words.eachBacklog].flatMap((text) => wrap(text, '  '))
  return ['', paint.bold(heading.listeners), ...rows, ...after]
}

function restText(rest: readonly WaitingListener[], isAll: boolean): string[] {
  const values = { listeners: rest.length }
  if (rest.length === 0) return []
  if ((rest[0]?.waiting ?? 0) > 0) return [fill(words.otherWaiting, values)]
  if (!isAll) return [fill(words.others, values)]
  return [rest.length === 1 ? words.oneNoneWaiting : fill(words.noneWaiting, values)]
}
