import { acceptQueueOverflow } from './accept-queue-overflow.ts'
import { asymmetricPath } from './asymmetric-path.ts'
import type { Cause } from './cause.ts'
import { connectFiltered } from './connect-filtered.ts'
import { firewallReject } from './firewall-reject.ts'
import { hostUnreachable } from './host-unreachable.ts'
import { injectedReset } from './injected-reset.ts'
import { portClosed } from './port-closed.ts'
import { synQueueOverflow } from './syn-queue-overflow.ts'

/** Every cause tcpwhy can conclude, sorted by id. Ranking is diagnose's work. */
export const causes = [
  acceptQueueOverflow,
  asymmetricPath,
  connectFiltered,
  firewallReject,
  hostUnreachable,
  injectedReset,
  portClosed,
  synQueueOverflow,
] as const satisfies readonly Cause[]
