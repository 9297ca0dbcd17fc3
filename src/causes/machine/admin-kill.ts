import type { MachineFacts } from '../../evidence/machine.ts'
import { type Judgement, reasonsOf } from '../cause.ts'
import { eventOf, judgeResets } from './resets.ts'

const say = reasonsOf('admin-kill')

/** Reason TCP_STATE in a living state: tcp_abort() sends before it closes. @see Linux net/ipv4/tcp.c tcp_abort */
export function judgeAdminKillHere(machine: MachineFacts): Judgement {
  return judgeResets(machine, {
    of: ['killed-by-administrator'],
    severity: () => 'problem',
    because: (fact) => [
      say(
        'kernel-said',
        { count: fact.count, state: fact.event.state ?? '' },
        eventOf(fact, machine),
      ),
    ],
  })
}
