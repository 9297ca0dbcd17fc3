import { assertNever } from '../base/assert.ts'
import { formatInstant } from '../base/time.ts'
import type {
  BaselineComparison,
  Because,
  ConnectionSummary,
  Finding,
  Report,
  Source,
  VantageSummary,
} from '../diagnose/report.ts'
import { endings } from '../evidence/endings.ts'
import { diagnoseWords, singular } from '../messages/en/diagnose.ts'
import { reportWords as words } from '../messages/en/report.ts'
import { formatCount, formatDuration, formatOctets, render } from '../messages/render.ts'
import type { Values } from '../messages/types.ts'

// The sentences all formats share, as plain text. Each format escapes them in its own way.

function say(template: string, values: Values): string {
  return singular(render(template, values))
}

/** Names of sources as short as they can be told apart; an empty map when there is only one. */
export type SourceNames = ReadonlyMap<string, string>

export function sourceNames(report: Report): SourceNames {
  const names = new Map<string, string>()
  if (report.sources.length < 2) return names
  const short = report.sources.map((source) => lastPart(source.name))
  report.sources.forEach((source, i) => {
    const unique = short.filter((name) => name === short[i]).length === 1
    names.set(source.id, unique ? (short[i] ?? source.name) : source.name)
  })
  return names
}

/** Of a path of Windows too, wherever the report is read. */
function lastPart(path: string): string {
  return path.slice(path.search(/[^/\\]*$/)) || path
}

/** Nanoseconds since 1970 as UTC; of a bundle without a clock to join they are the kernel's own. */
function eventTime(timeNs: string): string {
  return /^\d{19}$/.test(timeNs) ? shortTime(formatInstant(BigInt(timeNs))) : `${timeNs} ns`
}

/** Where a piece of evidence can be opened: "frame 12 of server.pcap, connection 3". */
export function whereOf(because: Because, names: SourceNames): string {
  const file = names.get(because.source)
  switch (because.kind) {
    case 'frame': {
      const frame = frameText(because.frame, file)
      if (because.connection === undefined) return frame
      return say(words.where.frameConnection, { frame, connection: because.connection })
    }
    case 'connection':
      return say(words.where.connection, { connection: because.connection })
    case 'kernel-event': {
      const fields = Object.entries(because.fields).map(([k, v]) => ` ${k}=${v}`)
      return say(words.where['kernel-event'], {
        event: because.event,
        time: eventTime(because.timeNs),
        fields: fields.join(''),
      })
    }
    case 'counter':
      return inNamespace(say(words.where.counter, counterValues(because)), because.netns)
    case 'setting':
      return inNamespace(
        say(words.where.setting, { name: because.name, value: because.value }),
        because.netns,
      )
    case 'socket':
      return inNamespace(
        say(words.where.socket, { local: because.local, remote: because.remote }),
        because.netns,
      )
    case 'process':
      return say(words.where.process, { pid: because.pid, what: because.what })
    case 'log':
      return say(words.where.log, { file: because.file, line: because.line })
    case 'pool':
    case 'database':
    case 'stack':
    case 'probe':
      return say(words.where.other, { kind: because.kind, ref: because.ref })
    default:
      return assertNever(because)
  }
}

function counterValues(counter: { name: string; before: number; after: number }) {
  return {
    name: counter.name,
    before: formatCount(counter.before),
    after: formatCount(counter.after),
  }
}

function inNamespace(what: string, netns: string | undefined): string {
  return netns === undefined ? what : say(words.where.in, { what, netns })
}

// Frame numbers carry no separators: they are typed into other tools.
function frameText(frame: number, file: string | undefined): string {
  const values = { frame: String(frame) }
  if (file === undefined) return say(words.where.frame, values)
  return say(words.where.frameIn, { ...values, file })
}

/**
 * "why (where to look)", and how often where that is not said by the finding itself.
 * @param of connections of the finding: what is so in all of them needs no number
 */
export function becauseText(because: Because, names: SourceNames, of = 0): string {
  const { text, times = 1 } = because
  const where = onHost(whereOf(because, names), because, names)
  if (times < 2 || times >= of) return `${text} (${where})`
  return `${text} (${say(words.alike, { where, times })})`
}

/** Of several hosts it matters which; frames and connections say themselves where they are. */
function onHost(where: string, { kind, source }: Because, names: SourceNames): string {
  const host = kind === 'frame' || kind === 'connection' ? undefined : names.get(source)
  return host === undefined ? where : say(words.where.on, { what: where, host })
}

export function culpritText(culprit: Finding['culprit']): string {
  const parts: string[] = [words.side[culprit.side]]
  if (culprit.host !== undefined) parts[0] += `${isBetween(culprit) ? ':' : ''} ${culprit.host}`
  const process = culprit.process
  if (process?.container !== undefined) {
    const { pid, command, container } = process
    parts.push(say(words.culprit.containerProcess, { pid, command, container }))
  } else if (process !== undefined) {
    parts.push(say(words.culprit.process, { pid: process.pid, command: process.command }))
  }
  if (culprit.setting !== undefined) {
    parts.push(say(words.culprit.setting, { setting: culprit.setting }))
  }
  return parts.join(', ')
}

/** "the network between client and server: 10.0.0.1" needs its colon, "server 10.0.0.1" none. */
function isBetween({ side }: Finding['culprit']): boolean {
  return side === 'middlebox' || side === 'network'
}

/** "148 of 346 connections, for example 12, 15, 31". */
export function affectedText(affected: Finding['affected']): string {
  const { connections, of, what = 'connections', sockets = [] } = affected
  const some = say(words.affected.some, { connections, of, what: diagnoseWords.affected[what] })
  const examples = affected.examples.length > 0 ? affected.examples.join(', ') : sockets.join('; ')
  if (examples === '') return some
  return `${some}, ${say(words.affected.examples, { examples })}`
}

/** "accept-queue-overflow (syn-dropped)". */
export function causeText(finding: Finding): string {
  return finding.variant === undefined ? finding.cause : `${finding.cause} (${finding.variant})`
}

/** How it hangs together with another finding: label and cause, at most one of each. */
export function relations(f: Finding): [label: string, cause: string][] {
  const all: [string, string | undefined][] = [
    [words.label.consequenceOf, f.consequenceOf],
    [words.label.alternativeTo, f.alternativeTo],
  ]
  return all.flatMap(([label, cause]) => (cause === undefined ? [] : [[label, cause]]))
}

/** "415 connections: 308 clean, 107 unanswered", most frequent ending first. */
export function totalsText(report: Report): string {
  const { total, byEnding } = report.connections
  if (total === 0) return words.totalsNone
  const counted = endings
    .filter((ending) => (byEnding[ending] ?? 0) > 0)
    .sort((a, b) => byEnding[b] - byEnding[a])
    .map((ending) => `${formatCount(byEnding[ending])} ${words.endings[ending]}`)
  return say(words.totals, { total, endings: counted.join(', ') })
}

/** What was read, and what is wrong with it: the first sentence is the source, the others are its faults. */
export function sourceTexts(source: Source): string[] {
  return [
    sourceLine(source),
    ...source.faults.map((fault) =>
      fault.frame === undefined
        ? say(words.source.fault, { text: fault.text, name: fault.name, count: fault.count })
        : say(words.source.faultFrame, { ...fault, frame: String(fault.frame) }),
    ),
  ]
}

function sourceLine(source: Source): string {
  const { name, kind, counts } = source
  if (kind !== 'capture') return say(words.source.other, { name, kind })
  const frames = counts['frames'] ?? 0
  if (frames === 0) return say(words.source.empty, { name })
  const parts = [say(words.source.capture, { name, frames })]
  if (counts['tcp'] !== undefined) parts.push(say(words.source.tcp, { tcp: counts['tcp'] }))
  if (source.from !== null && source.to !== null) {
    const seconds = Date.parse(source.to) - Date.parse(source.from)
    parts.push(say(words.source.from, { seconds, from: shortTime(source.from) }))
  }
  if (source.at !== undefined) {
    parts.push(say(words.source.at, { at: source.at }))
  }
  const dropped = counts['dropped']
  if (dropped === 0) parts.push(words.source.noneDropped)
  else if (dropped !== undefined) parts.push(say(words.source.dropped, { dropped }))
  return parts.join(', ')
}

/** "2026-11-21 03:12:44.123Z" of an ISO time with 9 decimals. */
export function shortTime(iso: string): string {
  return iso.replace('T', ' ').replace(/(\.\d{3})\d*Z$/, '$1Z')
}

/** "Troubled connections (2 of 159)", or all of them. */
export function connectionsHeading(report: Report): string {
  const { total, troubled, listedLimit, listed } = report.connections
  if (listedLimit === null) return say(words.heading.allConnections, { total })
  return say(words.heading.connections, { listed: listed.length, troubled })
}

/** Two sentences on a connection: what became of it, and what was odd about it. */
export function connectionTexts(
  c: ConnectionSummary,
  names: SourceNames,
): { ends: string; what: string; odd: string } {
  return { ends: `${c.client} > ${c.server}`, what: whatBecame(c), odd: oddities(c, names) }
}

function whatBecame(c: ConnectionSummary): string {
  const values = { ending: words.endings[c.ending], duration: c.durationMs }
  const parts = [
    c.endedBy === null
      ? say(words.connection.alone, values)
      : say(words.connection.by, { ...values, by: words.side[c.endedBy] }),
  ]
  if (c.silenceBeforeEndMs >= 1000) {
    parts.push(say(words.connection.silence, { silence: c.silenceBeforeEndMs }))
  }
  if (c.cause !== undefined) parts.push(say(words.connection.cause, { cause: c.cause }))
  return parts.join(', ')
}

function oddities(c: ConnectionSummary, names: SourceNames): string {
  const own = words.connection
  const file = names.get(c.frames.source)
  const frames = { first: String(c.frames.first), last: String(c.frames.last) }
  const parts = [file ? say(own.framesIn, { ...frames, file }) : say(own.frames, frames)]
  if (c.translated !== undefined) parts.unshift(say(own.translated, c.translated))
  if (c.frames.reset !== undefined) {
    parts.push(say(own.reset, { reset: String(c.frames.reset) }))
  }
  const { client, server } = c.payloadOctets
  if (client + server > 0) parts.push(say(own.octets, { client, server }))
  const again = retransmissions(c)
  if (again !== '') parts.push(say(own.retransmitted, { what: again }))
  parts.push(...sidesOddities(c))
  if (c.seen !== 'both') {
    parts.push(say(own.oneDirection, { side: c.seen === 'client-only' ? 'client' : 'server' }))
  }
  if (c.clientGuessed) parts.push(own.guessed)
  return parts.join('; ')
}

function retransmissions(c: ConnectionSummary): string {
  const kinds = ['syn', 'synAck', 'rto', 'fast', 'fin', 'spurious'] as const
  const parts: string[] = []
  for (const kind of kinds) {
    const n = c.retransmissions[kind].client + c.retransmissions[kind].server
    if (n > 0) parts.push(say(words.connection[kind], { n }))
  }
  return parts.join(', ')
}

/** RFC 9293 §3.8.6.2.2: a receiver need not reopen its window for less than a segment, and then nobody can tell. */
const SEGMENT = 1460

function sidesOddities(c: ConnectionSummary): string[] {
  const own = words.connection
  const parts: string[] = []
  for (const side of ['client', 'server'] as const) {
    const { times, ms } = c.zeroWindow[side]
    if (times > 0) parts.push(say(own.zeroWindow, { side, times, time: ms }))
    const octets = c.unreadOctets[side]
    if (octets === null || octets === 0) continue
    const told = octets < SEGMENT ? own.unreadPerhaps : own.unread
    parts.push(say(told, { side, octets }))
  }
  const missing = c.missingOctets.client + c.missingOctets.server
  if (missing > 0) parts.push(say(own.missing, { octets: missing }))
  const probes = c.keepaliveProbes.client + c.keepaliveProbes.server
  if (probes > 0) parts.push(say(own.keepalive, { n: probes }))
  return parts
}

function fateTexts(
  counts: Partial<Record<keyof typeof words.vantage.fate, number>>,
  kinds: VantageSummary['kinds'] = { lost: {}, injected: {} },
): string {
  return (['delivered', 'lost', 'altered', 'injected'] as const)
    .flatMap((fate) => {
      const n = counts[fate] ?? 0
      if (n === 0) return []
      const text = say(words.vantage.fate[fate], { n })
      const of = fate === 'lost' || fate === 'injected' ? kindTexts(kinds[fate]) : ''
      return [of === '' ? text : `${text} (${of})`]
    })
    .join(', ')
}

function kindTexts(kinds: NonNullable<VantageSummary['kinds']>['lost']): string {
  return (['syn', 'syn-ack', 'ack', 'data', 'fin', 'reset'] as const)
    .flatMap((kind) => {
      const n = kinds[kind] ?? 0
      return n > 0 ? [say(words.vantage.kind[kind], { n })] : []
    })
    .join(', ')
}

/** How the captures of `--at` were paired, one sentence each. */
export function vantageTexts(report: Report, names: SourceNames): string[] {
  const { vantage, translation } = report
  const own = words.vantage
  if (translation !== undefined) {
    const { connections, by } = translation
    return [say(by === 'syn-proxy' ? own.synProxied : own.translated, { connections })]
  }
  if (vantage === undefined) return []
  const name = (id: string) => names.get(id) ?? id
  const { paired, translated = 0, elsewhere = {}, changes = {}, parts = {} } = vantage
  const { split = 0, relayed = 0 } = vantage
  const texts = [say(translated > 0 ? own.pairedTranslated : own.paired, { paired, translated })]
  for (const [source, count] of Object.entries(vantage.unpaired)) {
    if (count > 0) texts.push(say(own.unpaired, { count, source: name(source) }))
  }
  if (split > 0) texts.push(say(own.split, { count: split }))
  if (relayed > 0) texts.push(say(own.relayed, { count: relayed }))
  for (const [server, count] of Object.entries(elsewhere)) {
    texts.push(say(own.elsewhere, { count, server }))
  }
  for (const clock of vantage.clocks) {
    texts.push(
      say(own.clock, {
        source: name(clock.source),
        offset: clock.offsetMs.toFixed(3),
        uncertainty: clock.uncertaintyMs.toFixed(3),
        drift: clock.driftPpm.toFixed(1),
      }),
    )
  }
  const fates = fateTexts(vantage.fates, vantage.kinds)
  if (fates !== '') texts.push(say(own.fates, { fates }))
  for (const [where, counts] of Object.entries(parts)) {
    texts.push(say(own.part, { where, fates: fateTexts(counts) }))
  }
  for (const [what, count] of Object.entries(changes)) texts.push(say(own.changed, { what, count }))
  return texts
}

/** "handshake time (median): 0.4 ms here, 0.2 ms there. What it means." */
export function differenceText(d: BaselineComparison['differences'][number]): string {
  return say(words.baseline, {
    what: d.what,
    here: measure(d.here, d.unit),
    there: measure(d.baseline, d.unit),
    text: d.text,
  })
}

function measure(value: number, unit: string): string {
  if (unit === 'ms') return formatDuration(value)
  if (unit === 'octets') return formatOctets(value)
  if (unit === '%') return `${Number(value.toFixed(1))} %`
  const number = Number.isInteger(value) ? formatCount(value) : String(Number(value.toPrecision(3)))
  return unit === '' ? number : `${number} ${unit}`
}
