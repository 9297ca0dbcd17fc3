import type { Cause } from './cause.ts'
import { judgeTimeWait } from './machine/time-wait-pile.ts'

/** What it is and how it is known: docs/causes/time-wait-pile.md. Packets cannot show it: only a host that is looked at does. */
export const timeWaitPile = {
  id: 'time-wait-pile',
  needs: ['kernel'],
  refs: ['RFC 9293 §3.6.1', 'Linux net/ipv4/inet_timewait_sock.c inet_twsk_hashdance_schedule'],
  confusedWith: ['ephemeral-ports-exhausted', 'time-wait-collision'],
  judge: () => ({ verdicts: [] }),
  judgeMachine: judgeTimeWait,
} as const satisfies Cause
