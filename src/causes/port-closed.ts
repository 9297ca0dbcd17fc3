import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { type Cause, connectionRef, frameOf, judgeEach, reasonsOf, type Verdict } from './cause.ts'

const say = reasonsOf('port-closed')

/** Nothing listens there: the SYN is answered by RST,ACK from the server's own stack. */
export const portClosed = {
  id: 'port-closed',
  needs: ['packets', 'kernel', 'both-sides'],
  refs: ['RFC 9293 §3.5.2', 'Linux net/ipv4/tcp_ipv4.c tcp_v4_send_reset, reason NO_SOCKET'],
  confusedWith: ['firewall-reject', 'listener-closed'],
  judge: (evidence) => judgeEach(evidence, ['refused'], judgeOne),
} as const satisfies Cause

function judgeOne(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  const reset = connection.resets.find((r) => r.from === 'server' && r.shape === 'syn-reply')
  if (reset === undefined) return null
  const usual = evidence.hosts.get(connection.server.address)?.ttls ?? []
  if (usual.length > 0 && reset.ttl > 0 && !usual.some((u) => u.ttl === reset.ttl)) return null
  const server = connection.server.endpoint
  const served = evidence.endpoints.get(server)?.established ?? 0
  const because = [
    say('syn-answered', { after: reset.afterTriggerMs ?? 0 }, frameOf(reset, connection)),
  ]
  const against = []
  const ttlKnown = usual.length > 0 && reset.ttl > 0
  if (ttlKnown) because.push(say('same-ttl', { ttl: reset.ttl }, frameOf(reset, connection)))
  else against.push(say('ttl-unknown', {}, frameOf(reset, connection)))
  if (served === 0) because.push(say('never-served', { server }, connectionRef(connection)))
  else against.push(say('served-otherwise', { server, served }, connectionRef(connection)))
  return {
    connections: [connection],
    certainty: 'likely',
    severity: 'problem',
    weight: ttlKnown ? 70 : 60,
    culprit: { side: 'server', host: connection.server.address },
    because,
    against,
    group: server,
  }
}
