import type { HostSummary, ListenerSummary } from '../../diagnose/report.ts'
import type { RateUnknown } from '../../evidence/machine.ts'
import { singular } from '../../messages/en/diagnose.ts'
import { diskWords } from '../../messages/en/disks.ts'
import { reportWords } from '../../messages/en/report.ts'
import { settingWords } from '../../messages/en/settings.ts'
import { render as fill, formatCount } from '../../messages/render.ts'
import type { RenderOptions } from '../format.ts'
import type { Paint } from '../paint.ts'
import { printable } from '../printable.ts'
import { widthOf, wrap } from '../wrap.ts'

const words = reportWords.host
const SHOWN = 10

/** What a host is doing, for the terminal. */
export function hostLines(host: HostSummary, options: RenderOptions, paint: Paint): string[] {
  const { name, kernel, observedMs } = host
  const heading = fill(observedMs > 0 ? words.heading : words.once, {
    name,
    kernel,
    for: observedMs,
  })
  return [
    '',
    paint.bold(printable(heading)),
    ...wrap(printable(socketsText(host)), '  ', paint.columns),
    ...pictureTexts(host).flatMap((t) => wrap(printable(singular(t)), '  ')),
    ...diskTexts(host).flatMap((t) => wrap(printable(singular(t)), '  ', paint.columns)),
    ...host.notices.flatMap(({ text }) =>
      wrap(printable(text), '  ! ', paint.columns).map((line) => paint.yellow(line)),
    ),
    ...resetTexts(host).flatMap((t) => wrap(printable(t), '  ', paint.columns)),
    ...listenerLines(host, options, paint),
    ...(options.verbose ? settingLines(host, paint) : []),
    ...host.missing.flatMap((m) =>
      wrap(printable(fill(words.missing, { ...m })), '  ! ', paint.columns),
    ),
  ]
}

function socketsText({ namespaces, states }: HostSummary): string {
  const sockets = namespaces.reduce((sum, n) => sum + n.sockets, 0)
  const counted = Object.entries(states)
    .sort(([, a], [, b]) => b - a)
    .map(([state, n]) => `${formatCount(n)} ${state}`)
  const text = fill(words.sockets, {
    sockets,
    namespaces: namespaces.length,
    states: counted.join(', '),
  })
  return singular(text)
}

function pictureTexts({ rates, machine, unguarded }: HostSummary): string[] {
  const texts: string[] = []
  if (rates !== null) {
    const { accepted, opened, failed, segmentsSent, retransmitted, octetsReceived, octetsSent } =
      rates
    const counts = { accepted, opened, failed, sent: segmentsSent, resent: retransmitted }
    texts.push(fill(words.rates, { ...counts, in: octetsReceived, out: octetsSent }))
  }
  const parts = machineParts(machine)
  if (parts.length > 0) texts.push(fill(words.machine, { parts: parts.join(', ') }))
  for (const { peer, connections, longestIdleMs } of unguarded) {
    texts.push(fill(words.unguarded, { peer, connections, idle: longestIdleMs }))
  }
  return texts
}

/** Disks that had nothing to do are no news. */
const BUSY_PERCENT = 1

function diskTexts({ filesystems, disks }: HostSummary): string[] {
  const left = filesystems.map((one) => fill(diskWords.left, { ...one }))
  const busy = (disks ?? []).filter(({ busyPercent }) => busyPercent >= BUSY_PERCENT)
  const io = busy.map((one) => fill(diskWords.device, { ...one }))
  return [
    ...(left.length === 0 ? [] : [fill(diskWords.space, { parts: left.join(', ') })]),
    ...(io.length === 0 ? [] : [fill(diskWords.io, { parts: io.join('; ') })]),
  ]
}

/** Waiting below a percent is no news. */
const WAITING_PERCENT = 1

function machineParts({
  load,
  waiting,
  memoryAvailable,
  memoryTotal,
}: HostSummary['machine']): string[] {
  const parts = load === null ? [] : [fill(words.load, { load })]
  if (memoryAvailable !== null && memoryTotal !== null) {
    parts.push(fill(words.memory, { available: memoryAvailable, total: memoryTotal }))
  }
  for (const [what, percent] of Object.entries(waiting)) {
    if (percent !== null && percent >= WAITING_PERCENT)
      parts.push(fill(words.waiting, { what, percent }))
  }
  return parts
}

function resetTexts({ resetsSent, packetsDropped, eventsLost }: HostSummary): string[] {
  const lost = eventsLost > 0 ? [fill(words.lost, { lost: eventsLost })] : []
  const dropped = reasonsText(packetsDropped ?? {})
  const drops = dropped === '' ? [] : [fill(words.drops, { reasons: dropped })]
  if (resetsSent === null) return [...drops, ...lost]
  const sent = reasonsText(resetsSent)
  const resets = sent === '' ? words.noResets : fill(words.resets, { reasons: sent })
  return [resets, ...drops, ...lost]
}

/** "12 NETFILTER_DROP, 3 NO_SOCKET", most first. */
function reasonsText(counts: Record<string, number>): string {
  const sorted = Object.entries(counts).sort(([, a], [, b]) => b - a)
  return sorted.map(([reason, n]) => `${formatCount(n)} ${reason}`).join(', ')
}

function listenerLines(host: HostSummary, { verbose }: RenderOptions, paint: Paint): string[] {
  const { listeners } = host
  if (listeners.length === 0) return []
  const shown = verbose ? listeners : listeners.slice(0, SHOWN)
  const heading =
    shown.length < listeners.length
      ? fill(words.listenersOf, { shown: shown.length, all: listeners.length })
      : words.listeners
  const many = host.namespaces.length > 1
  const [head = '', ...rows] = columns([
    Object.values(words.columns),
    ...shown.map((l) => rowOf(l, many)),
  ])
  return [
    `  ${heading}`,
    paint.dim(`    ${head}`),
    ...rows.map((row) => `    ${row}`),
    ...rateNotes(shown).flatMap((note) => wrap(printable(note), '    ', paint.columns)),
  ]
}

function settingLines({ settings }: HostSummary, paint: Paint): string[] {
  if (settings.length === 0) return []
  const names = settings.map(({ name }) => name)
  return [
    `  ${settingWords.heading}`,
    ...settings.flatMap(({ name, value, netns, namespaces, effect }) => {
      const differs = names.filter((one) => one === name).length > 1
      const more = namespaces - (netns?.length ?? 0)
      const some = [...(netns ?? []), ...(more > 0 ? [`+${more}`] : [])].join(', ')
      const where = differs ? fill(settingWords.where, { netns: some }) : ''
      const text = fill(settingWords.line, { name, value, where, effect })
      return wrap(printable(singular(text)), '    ', paint.columns)
    }),
  ]
}

function rowOf(listener: ListenerSummary, many: boolean): string[] {
  const { netns, local, process, depth, limit, synReceived, drops, dropsTotal, rates } = listener
  const count = (n: number | null) => (n === null ? words.nobody : formatCount(n))
  const who = process === undefined ? words.nobody : `${process.command} (${process.pid})`
  const where = many ? `${local} ${netns}` : local
  return [
    where,
    who,
    count(depth),
    count(limit),
    count(synReceived),
    ...rateCells(rates),
    count(drops),
    count(dropsTotal),
  ].map(printable)
}

function rateCells(rates: ListenerSummary['rates']): string[] {
  if (rates === null) return [words.nobody, words.nobody]
  const { newPerSecond, acceptedPerSecond: n, acceptedWithin: within, listeners } = rates
  const mark = listeners > 1 ? words.shared : ''
  const accepted = within > 0 ? fill(words.within, { n, within }) : String(n)
  return [`${newPerSecond}${mark}`, `${accepted}${mark}`]
}

/** Below the table: what a mark means, and why a rate is not known. */
function rateNotes(shown: readonly ListenerSummary[]): string[] {
  const notes = shown.some(({ rates }) => (rates?.listeners ?? 1) > 1) ? [words.sharedNote] : []
  const byWhy = new Map<RateUnknown, string[]>()
  for (const { ratesUnknown: why, local } of shown) {
    if (why !== undefined) byWhy.set(why, [...(byWhy.get(why) ?? []), local])
  }
  const unknown = [...byWhy].map(([why, locals]) =>
    fill(words.rateUnknown[why], { listeners: [...new Set(locals)].join(', ') }),
  )
  return [...notes, ...unknown]
}

/** The first two columns to the left, numbers to the right. */
function columns(rows: readonly string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((r) => widthOf(r[i] ?? ''))))
  return rows.map((row) =>
    row
      .map((cell, i) => {
        const gap = ' '.repeat(Math.max(0, (widths[i] ?? 0) - widthOf(cell)))
        return i < 2 ? cell + gap : gap + cell
      })
      .join('  ')
      .trimEnd(),
  )
}
