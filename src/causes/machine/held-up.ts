import type { MachineFacts, ResetFact } from '../../evidence/machine.ts'
import type { Verdict } from '../cause.ts'
import { isAtLimit } from './connection-limit.ts'
import { isStarved } from './descriptor-exhaustion.ts'

/** Why a process does not accept, where that is known: it has no descriptor left, or as many connections as it may. */
export function heldUpBy(machine: MachineFacts, pid: number): Pick<Verdict, 'consequenceOf'> {
  if (isStarved(machine, pid)) return { consequenceOf: 'descriptor-exhaustion' }
  return isAtLimit(machine, pid) ? { consequenceOf: 'connection-limit' } : {}
}

/** The same of a server of this host that reset its clients. */
export function resetWhileHeldUp(
  machine: MachineFacts,
  { side, service }: ResetFact,
): Verdict['consequenceOf'] {
  if (side !== 'local') return undefined
  const { namespaces, owners } = machine.after
  const listeners = namespaces.flatMap((n) =>
    n.listeners.filter((l) => l.local.port === service.port),
  )
  for (const pid of listeners.flatMap(({ inode }) => owners.get(inode)?.map((o) => o.pid) ?? [])) {
    const { consequenceOf } = heldUpBy(machine, pid)
    if (consequenceOf !== undefined) return consequenceOf
  }
  return undefined
}
