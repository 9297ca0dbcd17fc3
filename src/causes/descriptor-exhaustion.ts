import type { Evidence } from '../evidence/evidence.ts'
import type { Cause, Judgement } from './cause.ts'
import { judgeDescriptors } from './machine/descriptor-exhaustion.ts'
import { worstEndpoint } from './pool-starvation.ts'

/**
 * accept() fails with EMFILE: the kernel completes handshakes and acknowledges requests, nobody answers. Packets show the same
 * for any stalled server, so a capture makes it a suspect and never a verdict.
 */
export const descriptorExhaustion = {
  id: 'descriptor-exhaustion',
  needs: ['kernel', 'application'],
  refs: ['accept(2) EMFILE', 'Linux fs/file.c alloc_fd'],
  confusedWith: ['server-stalled', 'pool-starvation', 'accept-and-close'],
  judge,
  judgeMachine: judgeDescriptors,
} as const satisfies Cause

function judge(evidence: Evidence): Judgement {
  const worst = worstEndpoint(evidence)
  if (worst === null) return { verdicts: [] }
  const { address, port, endpoint } = worst[0]!.connection.server
  return {
    verdicts: [],
    unknown: {
      missing: [
        `whether the process behind ${endpoint} still accepts: its open descriptors against its limit, Recv-Q of the listener, "too many open files" in its log`,
      ],
      ask: `ls /proc/PID/fd | wc -l; grep 'open files' /proc/PID/limits; ss -ltn 'sport = :${port}' # on ${address}`,
    },
  }
}
