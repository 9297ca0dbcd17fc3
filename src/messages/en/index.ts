import type { CauseId } from '../../causes/ids.ts'
import type { CauseMessages } from '../types.ts'
import { acceptAndClose } from './accept-and-close.ts'
import { acceptQueueOverflow } from './accept-queue-overflow.ts'
import { adminKill } from './admin-kill.ts'
import { asymmetricPath } from './asymmetric-path.ts'
import { clientCancelled } from './client-cancelled.ts'
import { clientTimeout } from './client-timeout.ts'
import { closeWaitLeak } from './close-wait-leak.ts'
import { closeWithUnreadData } from './close-with-unread-data.ts'
import { connectFiltered } from './connect-filtered.ts'
import { connectionLimit } from './connection-limit.ts'
import { conntrackInvalid } from './conntrack-invalid.ts'
import { conntrackTableFull } from './conntrack-table-full.ts'
import { dataAfterClose } from './data-after-close.ts'
import { deferredAccept } from './deferred-accept.ts'
import { descriptorExhaustion } from './descriptor-exhaustion.ts'
import { ephemeralPortsExhausted } from './ephemeral-ports-exhausted.ts'
import { firewallReject } from './firewall-reject.ts'
import { gcCoupledClose } from './gc-coupled-close.ts'
import { healthCheck } from './health-check.ts'
import { hostUnreachable } from './host-unreachable.ts'
import { injectedReset } from './injected-reset.ts'
import { keepAliveRace } from './keep-alive-race.ts'
import { keepaliveTimeout } from './keepalive-timeout.ts'
import { lingerZero } from './linger-zero.ts'
import { listenerClosed } from './listener-closed.ts'
import { memoryPressure } from './memory-pressure.ts'
import { middleboxIdleTimeout } from './middlebox-idle-timeout.ts'
import { openTransaction } from './open-transaction.ts'
import { packetLoss } from './packet-loss.ts'
import { pathLost } from './path-lost.ts'
import { pathMtuBlackHole } from './path-mtu-black-hole.ts'
import { peerRestarted } from './peer-restarted.ts'
import { poolStarvation } from './pool-starvation.ts'
import { portClosed } from './port-closed.ts'
import { portReuseCollision } from './port-reuse-collision.ts'
import { processKilled } from './process-killed.ts'
import { receivePathDrop } from './receive-path-drop.ts'
import { resetAfterExchange } from './reset-after-exchange.ts'
import { serverIdleTimeout } from './server-idle-timeout.ts'
import { serverStalled } from './server-stalled.ts'
import { synQueueOverflow } from './syn-queue-overflow.ts'
import { timeWaitCollision } from './time-wait-collision.ts'
import { timeWaitPile } from './time-wait-pile.ts'
import { tlsFailure } from './tls-failure.ts'
import { wrongHost } from './wrong-host.ts'
import { zeroWindowStall } from './zero-window-stall.ts'

/** English. One entry a cause that tcpwhy can conclude; sorted by id. */
export const en = {
  'accept-and-close': acceptAndClose,
  'accept-queue-overflow': acceptQueueOverflow,
  'admin-kill': adminKill,
  'asymmetric-path': asymmetricPath,
  'client-cancelled': clientCancelled,
  'client-timeout': clientTimeout,
  'close-wait-leak': closeWaitLeak,
  'close-with-unread-data': closeWithUnreadData,
  'connect-filtered': connectFiltered,
  'connection-limit': connectionLimit,
  'conntrack-invalid': conntrackInvalid,
  'conntrack-table-full': conntrackTableFull,
  'data-after-close': dataAfterClose,
  'deferred-accept': deferredAccept,
  'descriptor-exhaustion': descriptorExhaustion,
  'ephemeral-ports-exhausted': ephemeralPortsExhausted,
  'firewall-reject': firewallReject,
  'gc-coupled-close': gcCoupledClose,
  'health-check': healthCheck,
  'host-unreachable': hostUnreachable,
  'injected-reset': injectedReset,
  'keep-alive-race': keepAliveRace,
  'keepalive-timeout': keepaliveTimeout,
  'linger-zero': lingerZero,
  'listener-closed': listenerClosed,
  'memory-pressure': memoryPressure,
  'middlebox-idle-timeout': middleboxIdleTimeout,
  'open-transaction': openTransaction,
  'packet-loss': packetLoss,
  'path-lost': pathLost,
  'path-mtu-black-hole': pathMtuBlackHole,
  'peer-restarted': peerRestarted,
  'pool-starvation': poolStarvation,
  'port-closed': portClosed,
  'port-reuse-collision': portReuseCollision,
  'process-killed': processKilled,
  'receive-path-drop': receivePathDrop,
  'reset-after-exchange': resetAfterExchange,
  'server-idle-timeout': serverIdleTimeout,
  'server-stalled': serverStalled,
  'syn-queue-overflow': synQueueOverflow,
  'time-wait-collision': timeWaitCollision,
  'time-wait-pile': timeWaitPile,
  'tls-failure': tlsFailure,
  'wrong-host': wrongHost,
  'zero-window-stall': zeroWindowStall,
} as const satisfies Partial<Record<CauseId, CauseMessages>>
