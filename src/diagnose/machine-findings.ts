import type { Certainty, Reason, Severity } from '../causes/cause.ts'
import type { CauseMessages, Shown, Values } from '../messages/types.ts'
import { becauseOf, type FindingContext, fixOf, say, stepOf } from './finding.ts'
import { certainties, type Merged, severities } from './merge.ts'
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
    finding: findingOfMachine(all, context),
    claims: all,
  }))
}

function findingOfMachine(claims: readonly MachineClaim[], context: FindingContext): Finding {
  const strongest = claims.reduce((a, b) => (b.verdict.weight > a.verdict.weight ? b : a))
  const { cause, verdict } = strongest
  const connections = claims.reduce((sum, c) => sum + c.verdict.machine.count, 0)
  const values: Values = { ...verdict.values, connections }
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
    confirm: shown.confirm.map((s) => stepOf(s, values)),
    fix: shown.fix.map((s) => fixOf(s, values)),
  }
}

function reasons(all: readonly Reason[], context: FindingContext): Finding['because'] {
  const once = new Map(all.map((reason) => [JSON.stringify(reason), reason]))
  return [...once.values()]
    .slice(0, MAX_BECAUSE)
    .map((reason) => becauseOf({ reason, times: 1 }, context))
}

/** The machine's words where there are some, else the cause's own. */
function shownOf(
  messages: CauseMessages | undefined,
  variant: string | undefined,
): Required<Shown> {
  const { title = '', now = [], confirm = [], fix = [] } = messages ?? {}
  const { variants, ...machine } = messages?.machine ?? {}
  const own = variant === undefined ? {} : (messages?.variants?.[variant] ?? {})
  const special = variant === undefined ? {} : (variants?.[variant] ?? {})
  return { title, now, confirm, fix, ...own, ...machine, ...special }
}

/**
 * What packets and a host say of the same cause and the same server's end is one finding, and two kinds of source make it
 * confirmed (design.md). It is told as the host tells it, who knows the process; the connections are the capture's.
 */
export function joinFindings(
  ofPackets: readonly { finding: Finding; merged: Merged }[],
  ofMachines: ReturnType<typeof machineFindings>,
): Finding[] {
  const joined = new Map<Finding, Finding>()
  const taken = new Set<Finding>()
  for (const packets of ofPackets) {
    const machine = ofMachines.find((m) => !taken.has(m.finding) && isSame(packets, m))
    if (machine === undefined) continue
    taken.add(machine.finding)
    joined.set(packets.finding, join(packets.finding, machine.finding))
  }
  return [
    ...ofPackets.map(({ finding }) => joined.get(finding) ?? finding),
    ...ofMachines.map(({ finding }) => finding).filter((f) => !taken.has(f)),
  ]
}

function isSame(
  { finding, merged }: { finding: Finding; merged: Merged },
  machine: ReturnType<typeof machineFindings>[number],
): boolean {
  if (finding.cause !== machine.finding.cause) return false
  return machine.claims.some(({ verdict }) => {
    const { server } = verdict.machine
    if (server === null) return false
    return merged.connections.some(
      (c) =>
        c.server.port === server.port &&
        (server.addresses === null || server.addresses.includes(c.server.address)),
    )
  })
}

function join(packets: Finding, machine: Finding): Finding {
  const certainty: Certainty = packets.alternativeTo === undefined ? 'confirmed' : machine.certainty
  const variant = packets.variant ?? machine.variant
  return {
    ...machine,
    ...(variant === undefined ? {} : { variant }),
    certainty: surer(certainty, machine.certainty),
    severity: worse(packets.severity, machine.severity),
    affected: { ...packets.affected, sockets: machine.affected.sockets ?? [] },
    because: [...machine.because, ...packets.because],
    against: [...machine.against, ...packets.against],
  }
}

function surer(a: Certainty, b: Certainty): Certainty {
  return certainties.indexOf(a) < certainties.indexOf(b) ? a : b
}

function worse(a: Severity, b: Severity): Severity {
  return severities.indexOf(a) < severities.indexOf(b) ? a : b
}
