import type { Cause, Need } from '../causes/cause.ts'
import type { Evidence } from '../evidence/evidence.ts'
import type { MachineFacts } from '../evidence/machine.ts'
import { diagnoseWords as words } from '../messages/en/diagnose.ts'
import { formatCount } from '../messages/render.ts'
import { say } from './finding.ts'
import { hasSockets } from './host-summary.ts'
import { halfHeadline, type OneDirection } from './one-direction.ts'
import type { Finding, Report } from './report.ts'
import { looksBad, type Unexplained } from './unexplained.ts'

export interface HeadlineInput {
  verdict: Report['verdict']
  findings: readonly Finding[]
  unexplained: readonly Unexplained[]
  unknown: Report['unknown']
  evidence: Evidence
  causes: readonly Cause[]
  half: OneDirection | null
  /** What cannot be told of lost or overtaken segments. */
  late?: Report['unknown'][number] | null
  /** Of some finding the captures lack what would make it more than possible, harmless ones included. */
  unproven?: boolean
  /** The captures have no times. */
  untimed?: boolean
}

/** One sentence a person can forward: who, why, how many of how many, how sure, and what is missing if it is not. */
export function headlineOf(asked: HeadlineInput): string {
  const input = { ...asked, findings: decisiveFirst(asked) }
  const { verdict, findings, evidence } = input
  const total = evidence.totals.connections
  const first = findings[0]
  const machines = evidence.machines ?? []
  if (total === 0 && machines.length === 0) {
    return say(words.headline.empty, { frames: framesOf(evidence) })
  }
  if (verdict === 'inconclusive' && !isSuspected(first) && input.unexplained.length === 0) {
    const told = hostUnexplained(input)
    if (told !== null) return told
  }
  if (first !== undefined && verdict !== 'healthy') {
    const whole = findingHeadline(input, first, 'titles')
    return capital(whole.length <= FORWARDABLE ? whole : findingHeadline(input, first, 'counts'))
  }
  if (verdict === 'inconclusive' && first === undefined && input.unexplained.length === 0) {
    const blind = machines.filter(({ events }) => events === null)
    if (blind.length > 0 && machines.some(hasSockets)) return blindHeadline(machines, blind)
  }
  if (total === 0) return quietHeadline(machines)
  if (verdict === 'inconclusive') return undecidedHeadline(input)
  const also = input.unexplained.length === 0 ? '' : unexplainedText(input.unexplained)
  const cut = evidence.sources.some((s) => s.payload === false)
  const form = cut ? 'healthyHeaders' : 'healthy'
  return say(words.headline[form], healthyValues(input)) + also
}

function isSuspected(first: Finding | undefined): boolean {
  return first?.severity === 'problem'
}

/** What a host's kernel told and no cause explains keeps the verdict open where packets say nothing against it. */
function hostUnexplained({ unknown }: HeadlineInput): string | null {
  const unexplained = unknown.find((u) => u.cause === 'unexplained')
  if (unexplained === undefined) return null
  return say(words.headline.hostUnexplained, { what: unexplained.missing.join('; ') })
}

/** Where only a suspicion keeps it from being benign, and it stands below what leads, the suspicion is the news. */
function decisiveFirst({ verdict, findings, unexplained }: HeadlineInput): readonly Finding[] {
  const [first] = findings
  if (verdict !== 'inconclusive' || first?.severity === 'problem' || unexplained.some(looksBad)) {
    return findings
  }
  const suspected = findings.find((f) => f.severity === 'problem')
  if (suspected === undefined) return findings
  return [suspected, ...findings.filter((f) => f !== suspected)]
}

/** An endpoint's clients are counted up to this (evidence). */
const COUNTED_MAX = 1000

/** Two lines of a terminal, brackets and breaks allowed for. */
const FORWARDABLE = 190

/** The title of a finding may stand in the middle of a sentence; a headline begins one. Addresses stay as they are. */
function capital(text: string): string {
  return /^[a-z]+[ ,]/.test(text) ? text[0]!.toUpperCase() + text.slice(1) : text
}

/** @param others whether other findings are told by their titles, where they are related, or only counted */
function findingHeadline(
  input: HeadlineInput,
  first: Finding,
  others: 'titles' | 'counts',
): string {
  const { verdict, findings } = input
  const isOpen = first.severity === 'problem' || input.unproven === true
  const unsure = verdict === 'inconclusive' && isOpen
  if (!unsure && verdict === 'inconclusive') return unexplainedHeadline(input)
  const form = unsure ? 'possible' : verdict === 'benign' ? 'benign' : 'problem'
  const text = say(words.headline[form], {
    title: first.title,
    certainty: words.certainty[first.certainty],
    affected: first.affected.connections,
    total: first.affected.of,
    what: words.affected[first.affected.what ?? 'connections'],
    also: alsoOf(findings, input.unexplained, others),
    missing: unsure ? missingFor(first, input) : '',
  })
  if (unsure) return text
  const { title, severity } = first
  if (verdict !== 'benign') return inBrackets(title, text)
  const begin = severity === 'benign' ? words.nothingBroken : words.worthALook
  return inBrackets(say(begin, { title }), text)
}

/** One pair of brackets at the end, also where the title has its own. */
function inBrackets(title: string, note: string): string {
  return title.endsWith(')') ? `${title.slice(0, -1)}; ${note})` : `${title} (${note})`
}

function healthyValues({ evidence, causes }: HeadlineInput) {
  const { connections, byEnding } = evidence.totals
  const closed = byEnding.clean + byEnding['reset-after-close']
  const counts = { closed, open: connections - closed }
  const ends = (['closed', 'open'] as const)
    .filter((end) => counts[end] > 0)
    .map((end) => {
      const share = counts[end] < connections ? 'some' : connections === 1 ? 'only' : 'all'
      return say(words.headline.ends[end][share], { n: counts[end] })
    })
  return {
    total: connections,
    endpoints: evidence.endpoints.size,
    ends: enumerated(ends),
    causes: causes.length,
  }
}

/** Nothing was found, and all the same nobody can say that all is well. */
function undecidedHeadline(input: HeadlineInput): string {
  const { half, unexplained, evidence, late = null, untimed } = input
  if (untimed === true && unexplained.length === 0) {
    return say(words.headline.untimed, { total: evidence.totals.connections })
  }
  if (half === null && late !== null && unexplained.length === 0) {
    const { connections: total } = evidence.totals
    return say(words.headline.late, { total, what: late.missing[0] ?? '' })
  }
  if (half === null || unexplained.some(looksBad)) return unexplainedHeadline(input)
  return halfHeadline(half, evidence.totals.connections)
}

function unexplainedHeadline({ unexplained, evidence, causes, half }: HeadlineInput): string {
  const alone = evidence.vantage === null && unexplained[0]?.flood === null
  return say(words.headline.unexplained, {
    list: listOf(unexplained),
    total: evidence.totals.connections,
    causes: causes.length,
    missing: words.needs[half !== null ? 'packets' : alone ? 'both-sides' : 'kernel'],
  })
}

function alsoOf(
  findings: readonly Finding[],
  unexplained: readonly Unexplained[],
  told: 'titles' | 'counts',
): string {
  const [first, ...others] = findings
  const titles = told === 'titles'
  const consequence = titles
    ? others.find((f) => f.consequenceOf === first?.cause && f.cause !== first?.cause)
    : undefined
  const alternative = others.find((f) => f.alternativeTo === first?.cause)
  let left = others.filter((f) => f !== consequence && f !== alternative).length
  let text = ''
  if (alternative !== undefined) text += say(words.also.alternative, { title: alternative.title })
  if (consequence !== undefined) text += say(words.also.consequence, { title: consequence.title })
  if (left > 0) text += say(words.also.findings, { count: left })
  left = unexplained.length
  return left === 0 ? text : text + unexplainedText(unexplained)
}

function unexplainedText(unexplained: readonly Unexplained[]): string {
  return say(words.also.unexplained, { list: listOf(unexplained) })
}

function listOf(unexplained: readonly Unexplained[]): string {
  return enumerated(unexplained.map(whatOf))
}

function enumerated(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`
}

/** "3,000 handshakes never completed (...)": how many of what, and what many alike point to. */
export function whatOf({ ending, count, flood }: Unexplained): string {
  const what = say('{n} {what}', { n: formatCount(count), what: words.unexplained.what[ending] })
  if (flood === null) return what
  return `${what} ${say(words.unexplained.flood, { clients: flood.clients, many: Number(flood.clients >= COUNTED_MAX) })}`
}

/** What the cause itself misses, else the next kind of evidence that it could use. */
function missingFor(finding: Finding, { unknown, causes, evidence }: HeadlineInput): string {
  const own = unknown.find((u) => u.cause === finding.cause)?.missing
  if (own !== undefined && own.length > 0) return own.join('; ')
  const needs = causes.find((c) => c.id === finding.cause)?.needs ?? []
  const need = needs.find((n) => !isThere(n, evidence)) ?? 'kernel'
  return words.needs[need]
}

function isThere(need: Need, evidence: Evidence): boolean {
  if (need === 'packets') return evidence.sources.some((s) => s.bothDirections)
  if (need === 'both-sides') return evidence.vantage !== null
  if (need === 'payload') return [...evidence.application.values()].some((a) => a.payloadCaptured)
  return false
}

/** What is missing of one process or of the machine's load: told below, and no reason to doubt the rest. */
const MINOR = new Set(['namespace-list', 'all-processes', 'pressure'])

/** Nothing is wrong in what was seen of hosts that were not seen whole: what was not, comes first. */
function blindHeadline(machines: readonly MachineFacts[], blind: readonly MachineFacts[]): string {
  const ids = new Set<string>(blind.flatMap((m) => m.missing.map(({ what }) => what)))
  const lacks = Object.entries(words.lacks)
    .filter(([what]) => what === 'events' || ids.has(what))
    .map(([, text]) => text)
  return say(words.headline.blind, { ...countsOf(machines), lacks: enumerated(lacks) })
}

/** Hosts at which nothing is wrong, as far as could be seen. */
function quietHeadline(machines: readonly MachineFacts[]): string {
  const values = countsOf(machines)
  const missing = machines.flatMap((m) => m.missing.filter((f) => !MINOR.has(f.what))).length
  const { sockets } = values
  if (sockets === 0) return say(words.headline.noSockets, { hosts: machines.length })
  return say(missing === 0 ? words.headline.quiet : words.headline.quietPartly, {
    ...values,
    missing,
  })
}

function countsOf(machines: readonly MachineFacts[]) {
  const all = machines.flatMap((m) => m.after.namespaces)
  return {
    name: enumerated(machines.map((m) => m.name)),
    sockets: all.reduce((sum, n) => sum + n.sockets.length, 0),
    listeners: all.reduce((sum, n) => sum + n.listeners.length, 0),
    for: Math.max(...machines.map((m) => m.forMs)),
  }
}

function framesOf(evidence: Evidence): number {
  return evidence.sources.reduce((sum, s) => sum + s.frames, 0)
}
