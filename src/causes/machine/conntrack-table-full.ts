import type { MachineFacts, NetnsSnapshot } from '../../evidence/machine.ts'
import { type Judgement, type Reason, reasonsOf, type Verdict } from '../cause.ts'
import { before, netnsName } from './lookup.ts'
import { onMachine } from './verdict.ts'
import { askedFrom } from './whom.ts'

const say = reasonsOf('conntrack-table-full')

const NEAR = 0.9
/** Of nf_conntrack's statistics: what a full table does. */
const REFUSED = ['drop', 'early_drop', 'insert_failed'] as const

/** @see Linux net/netfilter/nf_conntrack_core.c __nf_conntrack_alloc: "nf_conntrack: table full, dropping packet" */
export function judgeConntrack(machine: MachineFacts): Judgement {
  return { verdicts: machine.after.namespaces.flatMap((netns) => judgeOne(machine, netns) ?? []) }
}

function judgeOne(machine: MachineFacts, netns: NetnsSnapshot): Verdict | null {
  const { count, max } = netns.conntrack
  if (count === null || max === null || max === 0) return null
  const refused = REFUSED.map((name) => ({ name, by: roseBy(machine, netns, name) }))
  const rose = refused.find(({ by }) => by > 0)
  const fill = count / max
  if (fill < NEAR) return null
  const name = 'net.netfilter.nf_conntrack_count'
  const { source } = machine
  const where = netnsName(netns)
  const because: Reason[] = [
    say(
      'filled',
      { count, max },
      { source, kind: 'setting', name, value: String(count), netns: where },
    ),
  ]
  if (rose !== undefined) {
    const after = netns.conntrack.counters.get(rose.name) ?? 0
    const at = {
      source,
      kind: 'counter' as const,
      name: `nf_conntrack.${rose.name}`,
      before: after - rose.by,
      after,
      netns: where,
    }
    because.push(say('refused', { by: rose.by, name: rose.name }, at))
  }
  const full = fill >= 1 || rose !== undefined
  return onMachine(machine, {
    certainty: rose !== undefined ? 'confirmed' : fill >= 1 ? 'likely' : 'possible',
    severity: full ? 'problem' : 'notice',
    ...(full ? {} : { variant: 'near' }),
    side: 'middlebox',
    setting: 'net.netfilter.nf_conntrack_max',
    because,
    group: where,
    values: { count, max, wanted: max * 2, ...askedFrom(netns) },
    subject: { count: rose?.by ?? 1, what: 'packets' },
  })
}

function roseBy(machine: MachineFacts, netns: NetnsSnapshot, name: string): number {
  const first = before(machine, netns)?.conntrack.counters.get(name)
  const last = netns.conntrack.counters.get(name)
  return first === undefined || last === undefined ? 0 : Math.max(0, last - first)
}
