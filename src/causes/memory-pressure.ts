import type { Cause } from './cause.ts'
import { judgeMemory } from './machine/memory-pressure.ts'

/** What it is and how it is known: docs/causes/memory-pressure.md. Packets cannot show it: only a host that is looked at does. */
export const memoryPressure = {
  id: 'memory-pressure',
  needs: ['kernel'],
  refs: ['Linux net/ipv4/tcp.c tcp_check_oom', 'Linux net/ipv4/tcp_timer.c tcp_out_of_resources'],
  confusedWith: ['linger-zero', 'process-killed'],
  judge: () => ({ verdicts: [] }),
  judgeMachine: judgeMemory,
} as const satisfies Cause
