import type { MachineFacts, NetnsSnapshot } from '../../evidence/machine.ts'
import { type Judgement, type Reason, reasonsOf, type Verdict } from '../cause.ts'
import { before, counterRef, netnsName, riseOf } from './lookup.ts'
import { onMachine } from './verdict.ts'
import { askedAt } from './whom.ts'

const say = reasonsOf('receive-path-drop')

/** Fewer may be frames of unknown protocols, which rx_dropped counts as well. */
const SOME = 10
const COUNTERS = ['rx_dropped', 'rx_fifo', 'rx_frame'] as const

/** @see Linux net/core/dev.c enqueue_to_backlog (softnet_stat, column 2) · Documentation/networking/statistics.rst */
export function judgeReceivePath(machine: MachineFacts): Judgement {
  const [own] = machine.after.namespaces
  const verdicts: Verdict[] = []
  const softnet = own === undefined ? null : riseOf(machine, own, 'softnet.dropped')
  if (own !== undefined && softnet !== null && softnet.by > 0) {
    const because = [say('softnet-dropped', { by: softnet.by }, counterRef(machine, own, softnet))]
    verdicts.push(
      verdictOf(machine, {
        by: softnet.by,
        because,
        certainty: 'confirmed',
        name: 'softnet',
        netns: own,
      }),
    )
  }
  for (const netns of machine.after.namespaces) {
    for (const { name, by, because } of interfacesOf(machine, netns)) {
      verdicts.push(verdictOf(machine, { by, because, certainty: 'likely', name, netns }))
    }
  }
  return { verdicts }
}

function interfacesOf(machine: MachineFacts, netns: NetnsSnapshot) {
  const first = before(machine, netns)?.interfaces ?? []
  return netns.interfaces.flatMap((one) => {
    const was = first.find((f) => f.name === one.name)
    const because: Reason[] = []
    let sum = 0
    for (const name of COUNTERS) {
      const [a, b] = [was?.counters.get(name), one.counters.get(name)]
      if (a === undefined || b === undefined || b <= a) continue
      const { source } = machine
      const at = {
        source,
        kind: 'counter' as const,
        name: `${one.name} ${name}`,
        before: a,
        after: b,
        netns: netnsName(netns),
      }
      because.push(say('interface-dropped', { by: b - a, name: one.name }, at))
      sum += b - a
    }
    return sum < SOME ? [] : [{ name: one.name, by: sum, because }]
  })
}

function verdictOf(
  machine: MachineFacts,
  of: {
    by: number
    because: readonly Reason[]
    certainty: 'confirmed' | 'likely'
    name: string
    netns: NetnsSnapshot
  },
): Verdict {
  return onMachine(machine, {
    certainty: of.certainty,
    severity: 'problem',
    side: 'unknown',
    setting: of.name === 'softnet' ? 'net.core.netdev_max_backlog' : of.name,
    because: of.because,
    group: of.name,
    values: { name: of.name, ...askedAt(of.netns) },
    subject: { count: of.by, what: 'packets' },
  })
}
