import { groupBy } from '../../base/group-by.ts'
import type { MachineFacts } from '../../evidence/machine.ts'
import { hostWords } from '../../messages/en/hosts.ts'
import { render } from '../../messages/render.ts'
import type { machineFindings } from '../machine-findings.ts'
import type { Finding } from '../report.ts'
import { hostNames } from './comparison.ts'

type OfMachine = ReturnType<typeof machineFindings>[number]

const MAX_BECAUSE = 12
const NAMED = 4

/**
 * Hosts with a finding that is a problem, by the ids of their sources; where there is none, those with something worth a look:
 * in a few seconds a leak cannot be told from much to do.
 */
export function sickHosts(found: readonly OfMachine[]): Set<string> {
  const of = (isMeant: (finding: Finding) => boolean) =>
    new Set(
      found
        .filter(({ finding }) => isMeant(finding))
        .flatMap(({ claims }) => claims.map(({ verdict }) => verdict.machine.source)),
    )
  const ill = of(({ severity, certainty }) => severity === 'problem' && certainty !== 'possible')
  return ill.size > 0 ? ill : of(({ severity }) => severity !== 'benign')
}

/**
 * The same cause on several hosts, in the same program and at the same port, is one finding, told as of the host where it is
 * worst.
 */
export function acrossHosts(
  found: readonly OfMachine[],
  machines: readonly MachineFacts[],
): OfMachine[] {
  if (machines.length < 2) return [...found]
  const names = hostNames(machines)
  const groups = groupBy(found, keyOf)
  return [...groups.values()].map((group) => joined(group, names))
}

function keyOf({ finding, claims }: OfMachine): string {
  const { cause, variant = '', culprit, severity } = finding
  const port = claims[0]?.verdict.machine.server?.port ?? ''
  const { process, setting = '', side } = culprit
  return [cause, variant, severity, process?.command ?? '', setting, side, port].join('\n')
}

function joined(group: readonly OfMachine[], names: ReadonlyMap<string, string>): OfMachine {
  const hostOf = ({ claims }: OfMachine) => names.get(claims[0]?.verdict.machine.source ?? '') ?? ''
  const sorted = [...group].sort((a, b) => countOf(b) - countOf(a))
  const worst = sorted[0]!
  const sources = new Set(group.map(hostOf))
  if (sources.size < 2) return sorted.length === 1 ? worst : combined(sorted, worst, {})
  const others = [...new Set(sorted.slice(1).map(hostOf))].filter((name) => name !== hostOf(worst))
  const title = render(hostWords.likewise, {
    title: worst.finding.title,
    host: hostOf(worst),
    others: listed(others),
  })
  const counts = new Map<string, number>()
  for (const one of sorted) counts.set(hostOf(one), (counts.get(hostOf(one)) ?? 0) + countOf(one))
  const hosts = [...counts].map(([host, connections]) => ({ host, connections }))
  return combined(sorted, worst, { title, hosts })
}

function countOf({ finding }: OfMachine): number {
  return finding.affected.connections
}

function listed(names: readonly string[]): string {
  const more = names.length - NAMED
  return more > 0
    ? render(hostWords.andMore, { names: names.slice(0, NAMED).join(', '), more })
    : names.join(', ')
}

function combined(
  group: readonly OfMachine[],
  worst: OfMachine,
  { title, hosts }: { title?: string; hosts?: { host: string; connections: number }[] },
): OfMachine {
  const findings = group.map(({ finding }) => finding)
  const sum = (of: (finding: Finding) => number) => findings.reduce((all, f) => all + of(f), 0)
  const { finding } = worst
  return {
    claims: group.flatMap(({ claims }) => claims),
    finding: {
      ...finding,
      ...(title === undefined ? {} : { title }),
      affected: {
        ...finding.affected,
        connections: sum((f) => f.affected.connections),
        of: sum((f) => f.affected.of),
        ...(hosts === undefined ? {} : { hosts }),
      },
      because: interleaved(findings.map((f) => f.because)).slice(0, MAX_BECAUSE),
      against: interleaved(findings.map((f) => f.against)).slice(0, MAX_BECAUSE),
    },
  }
}

/** The first of each, then the second of each: every host has its say. */
function interleaved<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(...lists.map(({ length }) => length))
  return Array.from({ length: longest }, (_, i) =>
    lists.flatMap((list) => (list[i] === undefined ? [] : [list[i]])),
  ).flat()
}
