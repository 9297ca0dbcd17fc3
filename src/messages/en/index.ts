import type { CauseId } from '../../causes/ids.ts'
import type { CauseMessages } from '../types.ts'
import { acceptQueueOverflow } from './accept-queue-overflow.ts'
import { asymmetricPath } from './asymmetric-path.ts'
import { connectFiltered } from './connect-filtered.ts'
import { firewallReject } from './firewall-reject.ts'
import { hostUnreachable } from './host-unreachable.ts'
import { injectedReset } from './injected-reset.ts'
import { portClosed } from './port-closed.ts'
import { synQueueOverflow } from './syn-queue-overflow.ts'

/** English. One entry a cause that tcpwhy can conclude; sorted by id. */
export const en = {
  'accept-queue-overflow': acceptQueueOverflow,
  'asymmetric-path': asymmetricPath,
  'connect-filtered': connectFiltered,
  'firewall-reject': firewallReject,
  'host-unreachable': hostUnreachable,
  'injected-reset': injectedReset,
  'port-closed': portClosed,
  'syn-queue-overflow': synQueueOverflow,
} as const satisfies Partial<Record<CauseId, CauseMessages>>

export type Catalogue = { [C in keyof typeof en]: CauseMessages }
