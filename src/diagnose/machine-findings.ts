import type { Certainty, Reason, Severity } from '../causes/cause.ts'
import type { CauseId } from '../causes/ids.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Ending } from '../evidence/endings.ts'
import type { MachineFacts } from '../evidence/machine.ts'
import type { CauseMessages, ExperimentStep, Shown, Values } from '../messages/types.ts'
import { askedOfMachine, commandValues, experimentStep } from './experiment.ts'
import { becauseOf, type FindingContext, fixOf, say, stepOf } from './finding.ts'
import { placeOf, stepThere } from './in-namespace.ts'
import { type Merged, severities } from './merge.ts'
import type { Finding } from './report.ts'
import type { Claim } from './rivals.ts'

const MAX_EXAMPLES = 5
const MAX_BECAUSE = 8

/** A claim about a host; its verdict has a `machine`. */
export type MachineClaim = Claim & {
  verdict: { machine: NonNullable<Claim['verdict']['machine']> }
}

export function isMachineClaim(claim: Claim): claim is MachineClaim {
  return claim.verdict.machine !== undefined
}

/** Claims of one cause, variant and group on one host are one finding. */
export function machineFindings(
  claims: readonly MachineClaim[],
  context: FindingContext,
  machines: readonly MachineFacts[] = [],
): { finding: Finding; claims: readonly MachineClaim[] }[] {
  const groups = new Map<string, MachineClaim[]>()
  for (const claim of claims) {
    const { variant = '', group, machine } = claim.verdict
    const key = [claim.cause.id, variant, machine.source, group].join('\n')
    const known = groups.get(key)
    if (known === undefined) groups.set(key, [claim])
    else known.push(claim)
  }
  return [...groups.values()].map((all) => ({
    finding: thereIn(findingOfMachine(all, context), all, machines),
    claims: all,
  }))
}

/** Commands as they must be typed: those that see one namespace only are entered into the finding's. */
function thereIn(
  finding: Finding,
  [claim]: readonly MachineClaim[],
  machines: readonly MachineFacts[],
): Finding {
  const machine = machines.find((m) => m.source === claim?.verdict.machine.source)
  const place = machine === undefined ? null : placeOf(machine, finding.because)
  if (place === null) return finding
  const { now, confirm, fix } = finding
  return {
    ...finding,
    ...(now === undefined ? {} : { now: now.map((s) => stepThere(s, place)) }),
    confirm: confirm.map((s) => stepThere(s, place)),
    fix: fix.map((s) => stepThere(s, place)),
  }
}

function findingOfMachine(claims: readonly MachineClaim[], context: FindingContext): Finding {
  const strongest = claims.reduce((a, b) => (b.verdict.weight > a.verdict.weight ? b : a))
  const { cause, verdict } = strongest
  const connections = claims.reduce((sum, c) => sum + c.verdict.machine.count, 0)
  const asked = askedOfMachine(verdict)
  const values: Values = {
    ...commandValues(asked, verdict),
    ...verdict.values,
    connections,
  }
  const shown = shownOf(context.catalogue[cause.id], verdict.variant)
  return {
    cause: cause.id,
    ...(verdict.variant === undefined ? {} : { variant: verdict.variant }),
    certainty: verdict.certainty,
    severity: verdict.severity,
    title: say(shown.title, values),
    culprit: verdict.culprit,
    affected: {
      connections,
      of: Math.max(connections, ...claims.map((c) => c.verdict.machine.of)),
      examples: [],
      what: verdict.machine.what,
      sockets: claims.flatMap((c) => c.verdict.machine.examples).slice(0, MAX_EXAMPLES),
    },
    because: reasons(
      claims.flatMap((c) => c.verdict.because),
      context,
    ),
    against: reasons(
      claims.flatMap((c) => c.verdict.against),
      context,
    ),
    ...(verdict.consequenceOf === undefined ? {} : { consequenceOf: verdict.consequenceOf }),
    ...(shown.now.length === 0 ? {} : { now: shown.now.map((s) => stepOf(s, values)) }),
    confirm: [
      ...(shown.experiment === null ? [] : [experimentStep(shown.experiment, asked, verdict)]),
      ...shown.confirm.map((s) => stepOf(s, values)),
    ],
    fix: shown.fix.map((s) => fixOf(s, values)),
  }
}

function reasons(all: readonly Reason[], context: FindingContext): Finding['because'] {
  const once = new Map(all.map((reason) => [JSON.stringify(reason), reason]))
  return [...once.values()]
    .slice(0, MAX_BECAUSE)
    .map((reason) => becauseOf({ reason, times: 1 }, context))
}

type Told = Required<Omit<Shown, 'experiment'>> & { experiment: ExperimentStep | null }

/** The machine's words where there are some, else the cause's own. */
function shownOf(messages: CauseMessages | undefined, variant: string | undefined): Told {
  const { title = '', now = [], experiment = null, confirm = [], fix = [] } = messages ?? {}
  const { variants, ...machine } = messages?.machine ?? {}
  const own = variant === undefined ? {} : (messages?.variants?.[variant] ?? {})
  const special = variant === undefined ? {} : (variants?.[variant] ?? {})
  return { title, now, experiment, confirm, fix, ...own, ...machine, ...special }
}

type OfPackets = { finding: Finding; merged: Merged }
type OfMachine = ReturnType<typeof machineFindings>[number]

/**
 * What packets and a host say of the same cause and the same server's end is one finding, and two kinds of source make it
 * confirmed (design.md), unless neither of both had settled it: two guesses that rest on the same unanswered SYN stay one. It is told as the host tells it, who knows the process; the connections are the capture's. What the
 * kernel names beyond doubt also settles what packets alone leave between causes that are easily confused.
 */
export function joinFindings(
  ofPackets: readonly OfPackets[],
  ofMachines: readonly OfMachine[],
): Finding[] {
  const taken = new Set<OfPackets>()
  const joined = ofMachines.map((machine) => {
    const own = ofPackets.filter((p) => !taken.has(p) && isSettledBy(p, machine))
    const told = own.some(({ finding }) => finding.cause === machine.finding.cause)
      ? undefined
      : ofPackets.find((p) => !taken.has(p) && tellsMore(p, machine))
    if (told !== undefined) {
      taken.add(told)
      return withKernel(told.finding, machine.finding)
    }
    for (const one of own) taken.add(one)
    return joinAll(own, machine.finding)
  })
  return [...ofPackets.filter((p) => !taken.has(p)).map(({ finding }) => finding), ...joined]
}

/** What most connections show speaks last, and so gives the variant. A connection that several findings explain is one. */
function joinAll(own: readonly OfPackets[], machine: Finding): Finding {
  const count = ({ finding }: OfPackets) => finding.affected.connections
  const inOrder = [...own].sort((a, b) => count(a) - count(b))
  const joined = inOrder.reduce((finding, one) => join(one.finding, finding), machine)
  if (own.length < 2) return joined
  const all = new Map(own.flatMap(({ merged }) => merged.connections.map((c) => [c.id, c.weight])))
  const connections = [...all.values()].reduce((sum, weight) => sum + weight, 0)
  return { ...joined, affected: { ...joined.affected, connections } }
}

function isSettledBy({ finding, merged }: OfPackets, machine: OfMachine): boolean {
  const same = finding.cause === machine.finding.cause
  if (!same && !isConfusedWith(finding, merged, machine)) return false
  const matches = merged.connections.filter((c) => machine.claims.some((m) => isAt(c, m)))
  return same ? matches.length > 0 : matches.length === merged.connections.length
}

/** The kernel says of it what packets say too, and packets more. */
function tellsMore({ finding, merged }: OfPackets, { claims }: OfMachine): boolean {
  const { cause } = claims[0]!
  if (finding.certainty === 'possible' || finding.alternativeTo !== undefined) return false
  if (cause.sameToKernel?.includes(finding.cause) !== true) return false
  return merged.connections.some((c) => claims.some((m) => isAt(c, m)))
}

/** The kernel's account is evidence for it; that it was this and not what looks the same to a kernel, packets alone show. */
function withKernel(packets: Finding, machine: Finding): Finding {
  const { process } = machine.culprit
  const sameSide = packets.culprit.side === machine.culprit.side
  return {
    ...packets,
    ...(process !== undefined && sameSide ? { culprit: { ...packets.culprit, process } } : {}),
    affected: { ...packets.affected, sockets: machine.affected.sockets ?? [] },
    because: [...packets.because, ...machine.because.slice(0, 3)],
  }
}

/** The weaker of two causes that look alike to packets. */
function isConfusedWith(
  finding: Finding,
  merged: Merged,
  { finding: own, claims }: OfMachine,
): boolean {
  if (own.certainty !== 'confirmed' || finding.certainty === 'confirmed') return false
  const cause = claims[0]!.cause
  if (finding.certainty !== 'possible' && cause.sameToKernel?.includes(finding.cause)) return false
  return (
    cause.confusedWith.includes(finding.cause) || merged.claim.cause.confusedWith.includes(cause.id)
  )
}

/**
 * Connections of a capture whose reset, or whose SYN that nothing answered, the kernel of their server explains beyond doubt, and
 * the cause. One SYN each of many clients is no flood where that many were dropped by a queue that nobody empties.
 */
export function explainedByKernel(
  connections: readonly ConnectionFacts[],
  claims: readonly MachineClaim[],
): Map<number, CauseId> {
  const sure = claims.filter(({ verdict }) => verdict.certainty === 'confirmed')
  const resets = sure.filter(({ verdict }) => verdict.machine.what === 'resets')
  const explained = new Map<number, CauseId>()
  for (const connection of resets.length === 0 ? [] : connections) {
    if (!RESET.has(connection.ending)) continue
    const claim = resets.find((one) => isAt(connection, one))
    if (claim !== undefined) explained.set(connection.id, claim.cause.id)
  }
  for (const claim of sure.filter(isOfServer)) {
    const silent = connections.filter((c) => isUnheard(c) && isAt(c, claim))
    const count = silent.reduce((sum, { weight }) => sum + weight, 0)
    if (count > claim.verdict.machine.count) continue
    for (const { id } of silent) explained.set(id, claim.cause.id)
  }
  return explained
}

/** The server's side of the host refused them. */
function isOfServer({ verdict }: MachineClaim): boolean {
  return verdict.machine.what === 'connects' && verdict.culprit.side === 'server'
}

/** Nothing of the server was seen. */
function isUnheard({ ending, handshake, sides }: ConnectionFacts): boolean {
  const isWaiting = ending === 'unanswered' || ending === 'open'
  return isWaiting && handshake.synAckMs === null && sides.server.packets === 0
}

const RESET: ReadonlySet<Ending> = new Set(['reset', 'reset-after-fin', 'handshake-reset'])

function isAt({ server: end }: Merged['connections'][number], { verdict }: MachineClaim): boolean {
  const { server } = verdict.machine
  if (server === null || end.port !== server.port) return false
  return server.addresses === null || server.addresses.includes(end.address)
}

function join(packets: Finding, machine: Finding): Finding {
  const same = packets.cause === machine.cause
  const variant = (same ? packets.variant : undefined) ?? machine.variant
  const told = machine.affected.what === undefined ? machine.affected : null
  const { connections, of, examples } = packets.affected
  const root = machine.consequenceOf ?? (same ? packets.consequenceOf : undefined)
  return {
    ...machine,
    ...(root === undefined ? {} : { consequenceOf: root }),
    ...(variant === undefined ? {} : { variant }),
    certainty: together(packets, machine),
    severity: worse(packets.severity, machine.severity),
    affected: {
      connections: connections + (told?.connections ?? 0),
      of,
      examples: [...(told?.examples ?? []), ...examples].slice(0, MAX_EXAMPLES),
      sockets: machine.affected.sockets ?? [],
    },
    because: [...machine.because, ...(same ? packets.because : packets.because.slice(0, 3))],
    against: [...machine.against, ...(same ? packets.against : [])],
  }
}

/** Each rules out what it can see; where both say 'possible', something else explains all that either saw. */
function together(packets: Finding, machine: Finding): Certainty {
  const guesses = packets.certainty === 'possible' && machine.certainty === 'possible'
  return packets.alternativeTo !== undefined || guesses ? machine.certainty : 'confirmed'
}

function worse(a: Severity, b: Severity): Severity {
  return severities.indexOf(a) < severities.indexOf(b) ? a : b
}
