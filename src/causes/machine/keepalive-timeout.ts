import type { MachineFacts } from '../../evidence/machine.ts'
import { type Judgement, reasonsOf } from '../cause.ts'
import { eventOf, judgeResets } from './resets.ts'

const say = reasonsOf('keepalive-timeout')

/** Reason TCP_KEEPALIVE_TIMEOUT: probes unanswered. @see Linux net/ipv4/tcp_timer.c tcp_keepalive_timer */
export function judgeKeepaliveTimeoutHere(machine: MachineFacts): Judgement {
  return judgeResets(machine, {
    of: ['keepalive-timeout'],
    culprit: 'peer',
    severity: () => 'problem',
    because: (fact) => [say('kernel-said', { count: fact.count }, eventOf(fact, machine))],
  })
}
