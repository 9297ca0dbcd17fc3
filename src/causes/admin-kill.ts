import type { Cause } from './cause.ts'
import { judgeAdminKillHere } from './machine/admin-kill.ts'

/** What it is and how it is known: docs/causes/admin-kill.md. Packets cannot show it: only a host that is looked at does. */
export const adminKill = {
  id: 'admin-kill',
  needs: ['kernel', 'application'],
  refs: ['Linux net/ipv4/tcp.c tcp_abort', 'ss(8) -K'],
  confusedWith: ['linger-zero', 'listener-closed', 'server-idle-timeout', 'injected-reset'],
  judge: () => ({ verdicts: [] }),
  judgeMachine: judgeAdminKillHere,
} as const satisfies Cause
