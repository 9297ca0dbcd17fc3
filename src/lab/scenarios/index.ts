import type { Scenario } from '../types.ts'
import { busyButFine } from './busy-but-fine.ts'
import { conntrackFull } from './conntrack-full.ts'
import { conntrackInvalid } from './conntrack-invalid.ts'
import { dataAfterClose } from './data-after-close.ts'
import { databaseFull } from './database-full.ts'
import { earlyResponseUpload } from './early-response-upload.ts'
import { ephemeralPortsExhausted } from './ephemeral-ports-exhausted.ts'
import { firewallDrop } from './firewall-drop.ts'
import { firewallReject } from './firewall-reject.ts'
import { gracefulDeploy } from './graceful-deploy.ts'
import { healthChecks } from './health-checks.ts'
import { idleTimeout } from './idle-timeout.ts'
import { injectedReset } from './injected-reset.ts'
import { keepAliveRace } from './keep-alive-race.ts'
import { keepaliveTimeout } from './keepalive-timeout.ts'
import { lingerZero } from './linger-zero.ts'
import { listenBacklog } from './listen-backlog.ts'
import { listenerClosed } from './listener-closed.ts'
import { longPoll } from './long-poll.ts'
import { openTransaction } from './open-transaction.ts'
import { packetLoss } from './packet-loss.ts'
import { pathMtuBlackHole } from './path-mtu-black-hole.ts'
import { peerRebooted } from './peer-rebooted.ts'
import { poolStarvation } from './pool-starvation.ts'
import { portClosed } from './port-closed.ts'
import { processKilled } from './process-killed.ts'
import { rollingDeploy } from './rolling-deploy.ts'
import { staleUpstream } from './stale-upstream.ts'
import { timeWaitNatTimestamps } from './time-wait-nat-timestamps.ts'
import { unreadBody } from './unread-body.ts'
import { zeroWindowStall } from './zero-window-stall.ts'

/** Sorted by id. */
export const scenarios: readonly Scenario[] = [
  busyButFine,
  conntrackFull,
  conntrackInvalid,
  dataAfterClose,
  databaseFull,
  earlyResponseUpload,
  ephemeralPortsExhausted,
  firewallDrop,
  firewallReject,
  gracefulDeploy,
  healthChecks,
  idleTimeout,
  injectedReset,
  keepAliveRace,
  keepaliveTimeout,
  lingerZero,
  listenBacklog,
  listenerClosed,
  longPoll,
  openTransaction,
  packetLoss,
  pathMtuBlackHole,
  peerRebooted,
  poolStarvation,
  portClosed,
  processKilled,
  rollingDeploy,
  staleUpstream,
  timeWaitNatTimestamps,
  unreadBody,
  zeroWindowStall,
]
