import type { MachineFacts } from '../../evidence/machine.ts'
import { type Judgement, reasonsOf } from '../cause.ts'
import { resetWhileHeldUp } from './held-up.ts'
import { eventOf, judgeResets } from './resets.ts'

const say = reasonsOf('data-after-close')

/** Reasons TCP_ABORT_ON_DATA and TCP_TIMEWAIT_SOCKET: the peer sends to what is closed here. @see Linux net/ipv4/tcp_input.c tcp_rcv_state_process */
export function judgeDataAfterCloseHere(machine: MachineFacts): Judgement {
  return judgeResets(machine, {
    of: ['data-after-close', 'data-after-full-close'],
    culprit: 'peer',
    severity: (fact) => (fact.causes[0] === 'data-after-close' ? 'problem' : 'notice'),
    consequenceOf: (fact) => resetWhileHeldUp(machine, fact),
    because: (fact) => [
      say(
        fact.causes[0] === 'data-after-close' ? 'kernel-said' : 'kernel-said-long',
        { count: fact.count },
        eventOf(fact, machine),
      ),
    ],
    against: (fact) => [say('closed-early', {}, eventOf(fact, machine))],
  })
}
