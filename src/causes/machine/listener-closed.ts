import type { MachineFacts } from '../../evidence/machine.ts'
import { type Judgement, reasonsOf } from '../cause.ts'
import { eventOf, judgeResets } from './resets.ts'

const say = reasonsOf('listener-closed')

/** Reason TCP_STATE for every connection in the queue of a listener that is closed. @see Linux net/ipv4/inet_connection_sock.c inet_csk_listen_stop */
export function judgeListenerClosedHere(machine: MachineFacts): Judgement {
  return judgeResets(machine, {
    of: ['listener-closed'],
    severity: () => 'problem',
    because: (fact) => [say('kernel-said', { count: fact.count }, eventOf(fact, machine))],
    against: (fact) =>
      fact.causes.length > 1
        ? [say('or-else', { others: fact.causes.slice(1).join(', ') }, eventOf(fact, machine))]
        : [],
    consequenceOf: (fact) => (fact.culprit?.dying === true ? 'process-killed' : undefined),
  })
}
