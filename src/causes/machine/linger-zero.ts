import type { MachineFacts } from '../../evidence/machine.ts'
import { type Judgement, reasonsOf } from '../cause.ts'
import { eventOf, judgeResets } from './resets.ts'

const say = reasonsOf('linger-zero')

/** Reason TCP_STATE or TCP_DISCONNECT_WITH_DATA by a process of an accepted connection. @see Linux net/ipv4/tcp.c tcp_disconnect */
export function judgeLingerZeroHere(machine: MachineFacts): Judgement {
  return judgeResets(machine, {
    of: ['linger-zero', 'linger-zero-with-unsent-data', 'linger2-negative'],
    dying: false,
    severity: (fact) => (fact.causes[0] === 'linger-zero-with-unsent-data' ? 'problem' : 'notice'),
    because: (fact) => [
      say(
        'kernel-said',
        { count: fact.count, reason: fact.event.reason ?? '' },
        eventOf(fact, machine),
      ),
    ],
    against: (fact) =>
      fact.causes.length > 1
        ? [say('or-else', { others: fact.causes.slice(1).join(', ') }, eventOf(fact, machine))]
        : [],
  })
}
