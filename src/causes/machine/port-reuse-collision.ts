import type { MachineFacts } from '../../evidence/machine.ts'
import { type Judgement, reasonsOf } from '../cause.ts'
import { eventOf, judgeResets } from './resets.ts'

const say = reasonsOf('port-reuse-collision')

/** Reason TCP_INVALID_ACK_SEQUENCE in SYN-SENT: the answer belongs to an older connection. @see Linux net/ipv4/tcp_input.c tcp_rcv_synsent_state_process */
export function judgePortReuseCollisionHere(machine: MachineFacts): Judgement {
  return judgeResets(machine, {
    of: ['answer-of-old-connection'],
    severity: () => 'notice',
    because: (fact) => [say('kernel-said', { count: fact.count }, eventOf(fact, machine))],
  })
}
