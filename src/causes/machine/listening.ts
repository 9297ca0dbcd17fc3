import type { Evidence } from '../../evidence/evidence.ts'
import type { MachineFacts } from '../../evidence/machine.ts'
import type { MachineReference } from '../cause.ts'
import { before, socketRef } from './lookup.ts'

const ANY = new Set(['0.0.0.0', '::'])

export interface Listening {
  at: MachineReference
  /** The kernel's events were watched, and it refused nobody at that port. */
  refusedNobody: boolean
}

/** A listener of a host that was looked at takes connections to this end, at both looks; null: not known to. */
export function listeningAt(
  { machines = [] }: Evidence,
  end: { address: string; port: number },
): Listening | null {
  for (const machine of machines) {
    for (const netns of machine.after.namespaces) {
      const listener = netns.listeners.find(
        ({ local }) =>
          local.port === end.port &&
          (local.address === end.address ||
            (ANY.has(local.address) && netns.sockets.some((s) => s.local.address === end.address))),
      )
      const first = before(machine, netns)?.listeners.some((l) => l.inode === listener?.inode)
      if (listener === undefined || first !== true) continue
      return {
        at: socketRef(machine, netns, listener),
        refusedNobody: machine.events !== null && !refuses(machine, end.port),
      }
    }
  }
  return null
}

function refuses({ resets }: MachineFacts, port: number): boolean {
  return resets.some((r) => r.service.port === port && r.causes.includes('syn-to-closed-port'))
}
