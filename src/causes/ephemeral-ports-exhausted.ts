import type { Cause } from './cause.ts'
import { judgePorts } from './machine/ephemeral-ports-exhausted.ts'

/** What it is and how it is known: docs/causes/ephemeral-ports-exhausted.md. Packets cannot show it: only a host that is looked at does. */
export const ephemeralPortsExhausted = {
  id: 'ephemeral-ports-exhausted',
  needs: ['kernel'],
  refs: ['connect(2) EADDRNOTAVAIL', 'Linux net/ipv4/inet_hashtables.c __inet_hash_connect'],
  confusedWith: ['time-wait-pile', 'descriptor-exhaustion'],
  judge: () => ({ verdicts: [] }),
  judgeMachine: judgePorts,
} as const satisfies Cause
