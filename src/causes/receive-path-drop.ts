import type { Cause } from './cause.ts'
import { judgeReceivePath } from './machine/receive-path-drop.ts'

/** What it is and how it is known: docs/causes/receive-path-drop.md. Packets cannot show it: only a host that is looked at does. */
export const receivePathDrop = {
  id: 'receive-path-drop',
  needs: ['kernel'],
  refs: [
    'Linux net/core/dev.c enqueue_to_backlog',
    'Linux Documentation/networking/statistics.rst rx_dropped',
  ],
  confusedWith: ['packet-loss'],
  judge: () => ({ verdicts: [] }),
  judgeMachine: judgeReceivePath,
} as const satisfies Cause
