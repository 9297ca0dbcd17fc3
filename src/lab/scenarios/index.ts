import type { Scenario } from '../types.ts'
import { firewallReject } from './firewall-reject.ts'
import { listenBacklog } from './listen-backlog.ts'

/** Sorted by id. */
export const scenarios: readonly Scenario[] = [firewallReject, listenBacklog]
