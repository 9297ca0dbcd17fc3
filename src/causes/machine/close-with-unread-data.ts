import type { MachineFacts } from '../../evidence/machine.ts'
import { type Judgement, reasonsOf } from '../cause.ts'
import { resetWhileHeldUp } from './held-up.ts'
import { eventOf, judgeResets } from './resets.ts'

const say = reasonsOf('close-with-unread-data')

/** Reason TCP_ABORT_ON_CLOSE: close() while octets wait unread. @see Linux net/ipv4/tcp.c __tcp_close */
export function judgeCloseWithUnreadDataHere(machine: MachineFacts): Judgement {
  return judgeResets(machine, {
    of: ['close-with-unread-data'],
    dying: false,
    severity: () => 'problem',
    consequenceOf: (fact) => resetWhileHeldUp(machine, fact),
    because: (fact) => [
      say(
        'kernel-said',
        { count: fact.count, here: fact.side === 'local' ? 'request' : 'response' },
        eventOf(fact, machine),
      ),
    ],
  })
}
