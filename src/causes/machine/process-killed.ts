import type { MachineFacts } from '../../evidence/machine.ts'
import { type Judgement, reasonsOf } from '../cause.ts'
import { eventOf, judgeResets } from './resets.ts'

const say = reasonsOf('process-killed')

/** A process that was ending left connections with unread data. @see Linux net/ipv4/tcp.c __tcp_close */
export function judgeProcessKilledHere(machine: MachineFacts): Judgement {
  return judgeResets(machine, {
    of: ['close-with-unread-data', 'linger-zero'],
    dying: true,
    severity: () => 'problem',
    because: (fact) => [
      say('was-dying', { count: fact.count, pid: fact.culprit?.pid ?? 0 }, eventOf(fact, machine)),
    ],
  })
}
