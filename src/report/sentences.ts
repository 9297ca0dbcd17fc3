import { assertNever } from '../base/assert.ts'
import type {
  BaselineComparison,
  Because,
  ConnectionSummary,
  Finding,
  Report,
  Source,
} from '../diagnose/report.ts'
import { endings } from '../evidence/endings.ts'
import { reportWords as words } from '../messages/en/report.ts'
import { formatCount, formatDuration, formatOctets, render } from '../messages/render.ts'

// The sentences all formats share, as plain text. Each format escapes them in its own way.

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

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1) || path
}

/** Where a piece of evidence can be opened: "frame 12 of server.pcap, connection 3". */
export function whereOf(because: Because, names: SourceNames): string {
  const file = names.get(because.source)
  switch (because.kind) {
    case 'frame': {
      const frame = frameText(because.frame, file)
      if (because.connection === undefined) return frame
      return render(words.where.frameConnection, { frame, connection: because.connection })
    }
    case 'connection':
      return render(words.where.connection, { connection: because.connection })
    case 'kernel-event': {
      const fields = Object.entries(because.fields).map(([k, v]) => ` ${k}=${v}`)
      return render(words.where['kernel-event'], {
        event: because.event,
        time: because.timeNs,
        fields: fields.join(''),
      })
    }
    case 'counter':
      return inNamespace(render(words.where.counter, counterValues(because)), because.netns)
    case 'setting':
      return inNamespace(
        render(words.where.setting, { name: because.name, value: because.value }),
        because.netns,
      )
    case 'socket':
      return inNamespace(
        render(words.where.socket, { local: because.local, remote: because.remote }),
        because.netns,
      )
    case 'process':
      return render(words.where.process, { pid: because.pid, what: because.what })
    case 'log':
      return render(words.where.log, { file: because.file, line: because.line })
    case 'pool':
    case 'database':
    case 'stack':
    case 'probe':
      return render(words.where.other, { kind: because.kind, ref: because.ref })
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
  return netns === undefined ? what : render(words.where.in, { what, netns })
}

// Frame numbers carry no separators: they are typed into other tools.
function frameText(frame: number, file: string | undefined): string {
  const values = { frame: String(frame) }
  if (file === undefined) return render(words.where.frame, values)
  return render(words.where.frameIn, { ...values, file })
}

/**
 * "why (where to look)", and how often where that is not said by the finding itself.
 * @param of connections of the finding: what is so in all of them needs no number
 */
export function becauseText(because: Because, names: SourceNames, of = 0): string {
  const { text, times = 1 } = because
  const where = whereOf(because, names)
  if (times < 2 || times >= of) return `${text} (${where})`
  return `${text} (${render(words.alike, { where, times })})`
}

export function culpritText(culprit: Finding['culprit']): string {
  const parts: string[] = [words.side[culprit.side]]
  if (culprit.host !== undefined) parts[0] += ` ${culprit.host}`
  const process = culprit.process
  if (process?.container !== undefined) {
    const { pid, command, container } = process
    parts.push(render(words.culprit.containerProcess, { pid, command, container }))
  } else if (process !== undefined) {
    parts.push(render(words.culprit.process, { pid: process.pid, command: process.command }))
  }
  if (culprit.setting !== undefined) {
    parts.push(render(words.culprit.setting, { setting: culprit.setting }))
  }
  return parts.join(', ')
}

/** "148 of 346 connections, for example 12, 15, 31". */
export function affectedText(affected: Finding['affected']): string {
  const { connections, of } = affected
  const some = render(words.affected.some, { connections, of })
  if (affected.examples.length === 0) return some
  return `${some}, ${render(words.affected.examples, { examples: affected.examples.join(', ') })}`
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
  return render(words.totals, { total, endings: counted.join(', ') })
}

/** What was read, and what is wrong with it: the first sentence is the source, the others are its faults. */
export function sourceTexts(source: Source): string[] {
  return [
    sourceLine(source),
    ...source.faults.map((fault) =>
      fault.frame === undefined
        ? render(words.source.fault, { text: fault.text, name: fault.name, count: fault.count })
        : render(words.source.faultFrame, { ...fault, frame: String(fault.frame) }),
    ),
  ]
}

function sourceLine(source: Source): string {
  const { name, kind, counts } = source
  if (kind !== 'capture') return render(words.source.other, { name, kind })
  const frames = counts['frames'] ?? 0
  if (frames === 0) return render(words.source.empty, { name })
  const parts = [render(words.source.capture, { name, frames })]
  if (counts['tcp'] !== undefined) parts.push(render(words.source.tcp, { tcp: counts['tcp'] }))
  if (source.from !== null && source.to !== null) {
    const seconds = Date.parse(source.to) - Date.parse(source.from)
    parts.push(render(words.source.from, { seconds, from: shortTime(source.from) }))
  }
  if (source.at !== undefined) {
    parts.push(render(words.source.at, { at: source.at }))
  }
  const dropped = counts['dropped']
  if (dropped === 0) parts.push(words.source.noneDropped)
  else if (dropped !== undefined) parts.push(render(words.source.dropped, { dropped }))
  return parts.join(', ')
}

/** "2026-11-21 03:12:44.123Z" of an ISO time with 9 decimals. */
export function shortTime(iso: string): string {
  return iso.replace('T', ' ').replace(/(\.\d{3})\d*Z$/, '$1Z')
}

/** "Troubled connections (2 of 159)", or all of them. */
export function connectionsHeading(report: Report): string {
  const { total, troubled, listedLimit, listed } = report.connections
  if (listedLimit === null) return render(words.heading.allConnections, { total })
  return render(words.heading.connections, { listed: listed.length, troubled })
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
      ? render(words.connection.alone, values)
      : render(words.connection.by, { ...values, by: words.side[c.endedBy] }),
  ]
  if (c.silenceBeforeEndMs >= 1000) {
    parts.push(render(words.connection.silence, { silence: c.silenceBeforeEndMs }))
  }
  if (c.cause !== undefined) parts.push(render(words.connection.cause, { cause: c.cause }))
  return parts.join(', ')
}

function oddities(c: ConnectionSummary, names: SourceNames): string {
  const say = words.connection
  const file = names.get(c.frames.source)
  const frames = { first: String(c.frames.first), last: String(c.frames.last) }
  const parts = [file ? render(say.framesIn, { ...frames, file }) : render(say.frames, frames)]
  if (c.frames.reset !== undefined) {
    parts.push(render(say.reset, { reset: String(c.frames.reset) }))
  }
  const { client, server } = c.payloadOctets
  if (client + server > 0) parts.push(render(say.octets, { client, server }))
  const again = retransmissions(c)
  if (again !== '') parts.push(render(say.retransmitted, { what: again }))
  parts.push(...sidesOddities(c))
  if (c.seen !== 'both') {
    parts.push(render(say.oneDirection, { side: c.seen === 'client-only' ? 'client' : 'server' }))
  }
  if (c.clientGuessed) parts.push(say.guessed)
  return parts.join('; ')
}

function retransmissions(c: ConnectionSummary): string {
  const kinds = ['syn', 'synAck', 'rto', 'fast', 'fin', 'spurious'] as const
  const parts: string[] = []
  for (const kind of kinds) {
    const n = c.retransmissions[kind].client + c.retransmissions[kind].server
    if (n > 0) parts.push(render(words.connection[kind], { n }))
  }
  return parts.join(', ')
}

function sidesOddities(c: ConnectionSummary): string[] {
  const say = words.connection
  const parts: string[] = []
  for (const side of ['client', 'server'] as const) {
    const { times, ms } = c.zeroWindow[side]
    if (times > 0) parts.push(render(say.zeroWindow, { side, times, time: ms }))
    const octets = c.unreadOctets[side]
    if (octets !== null && octets > 0) parts.push(render(say.unread, { side, octets }))
  }
  const missing = c.missingOctets.client + c.missingOctets.server
  if (missing > 0) parts.push(render(say.missing, { octets: missing }))
  const probes = c.keepaliveProbes.client + c.keepaliveProbes.server
  if (probes > 0) parts.push(render(say.keepalive, { n: probes }))
  return parts
}

/** How the captures of `--at` were paired, one sentence each. */
export function vantageTexts(report: Report, names: SourceNames): string[] {
  const vantage = report.vantage
  if (vantage === undefined) return []
  const say = words.vantage
  const name = (id: string) => names.get(id) ?? id
  const texts = [render(say.paired, { paired: vantage.paired })]
  for (const [source, count] of Object.entries(vantage.unpaired)) {
    if (count > 0) texts.push(render(say.unpaired, { count, source: name(source) }))
  }
  for (const clock of vantage.clocks) {
    texts.push(
      render(say.clock, {
        source: name(clock.source),
        offset: clock.offsetMs.toFixed(3),
        uncertainty: clock.uncertaintyMs.toFixed(3),
        drift: clock.driftPpm.toFixed(1),
      }),
    )
  }
  const fates = (['delivered', 'lost', 'altered', 'injected'] as const)
    .filter((fate) => vantage.fates[fate] > 0)
    .map((fate) => render(say.fate[fate], { n: vantage.fates[fate] }))
  if (fates.length > 0) texts.push(render(say.fates, { fates: fates.join(', ') }))
  return texts
}

/** "handshake time (median): 0.4 ms here, 0.2 ms there. What it means." */
export function differenceText(d: BaselineComparison['differences'][number]): string {
  return render(words.baseline, {
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
