import type { CauseId } from '../../causes/ids.ts'
import type { CauseMessages } from '../types.ts'
import { portClosed } from './port-closed.ts'

/** English. One entry a cause that tcpwhy can conclude; sorted by id. */
export const en = {
  'port-closed': portClosed,
} as const satisfies Partial<Record<CauseId, CauseMessages>>

export type Catalogue = { [C in keyof typeof en]: CauseMessages }
