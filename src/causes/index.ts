import { acceptQueueOverflow } from './accept-queue-overflow.ts'
import type { Cause } from './cause.ts'
import { connectFiltered } from './connect-filtered.ts'
import { portClosed } from './port-closed.ts'
import { synQueueOverflow } from './syn-queue-overflow.ts'

/** Every cause tcpwhy can conclude, sorted by id. Ranking is diagnose's work. */
export const causes = [
  acceptQueueOverflow,
  connectFiltered,
  portClosed,
  synQueueOverflow,
] as const satisfies readonly Cause[]
