import type { CauseId } from '../../causes/ids.ts'
import type { CauseMessages } from '../types.ts'
import { acceptQueueOverflow } from './accept-queue-overflow.ts'
import { connectFiltered } from './connect-filtered.ts'
import { portClosed } from './port-closed.ts'
import { synQueueOverflow } from './syn-queue-overflow.ts'

/** English. One entry a cause that tcpwhy can conclude; sorted by id. */
export const en = {
  'accept-queue-overflow': acceptQueueOverflow,
  'connect-filtered': connectFiltered,
  'port-closed': portClosed,
  'syn-queue-overflow': synQueueOverflow,
} as const satisfies Partial<Record<CauseId, CauseMessages>>

export type Catalogue = { [C in keyof typeof en]: CauseMessages }
