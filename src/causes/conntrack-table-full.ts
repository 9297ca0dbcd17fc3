import type { Cause } from './cause.ts'
import { judgeConntrack } from './machine/conntrack-table-full.ts'

/** What it is and how it is known: docs/causes/conntrack-table-full.md. Packets cannot show it: only a host that is looked at does. */
export const conntrackTableFull = {
  id: 'conntrack-table-full',
  needs: ['kernel'],
  refs: ['Linux net/netfilter/nf_conntrack_core.c __nf_conntrack_alloc'],
  confusedWith: ['connect-filtered', 'accept-queue-overflow'],
  judge: () => ({ verdicts: [] }),
  judgeMachine: judgeConntrack,
} as const satisfies Cause
