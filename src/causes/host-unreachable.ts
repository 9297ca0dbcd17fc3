import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { atFrame, type Cause, judgeEach, reasonsOf, type Verdict } from './cause.ts'
import { firstIcmp } from './icmp.ts'
import { isTaken, weighConnects, withExperiments } from './weigh-experiments.ts'

const say = reasonsOf('host-unreachable')

/** A router (or the own host) says there is no way to the server. */
export const hostUnreachable = {
  id: 'host-unreachable',
  needs: ['packets'],
  refs: ['RFC 792', 'RFC 4443 §3.1', 'Linux net/ipv4/tcp_ipv4.c tcp_v4_err'],
  confusedWith: ['connect-filtered', 'firewall-reject', 'path-lost'],
  judge: (evidence) => judgeEach(evidence, ['unreachable', 'unanswered'], judgeOne),
} as const satisfies Cause

function judgeOne(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  const found = firstIcmp(connection, ['unreachable', 'loop'])
  if (found === null) return null
  const { icmp, kind } = found
  const { address, endpoint } = connection.server
  const at = atFrame(icmp.frame, connection)
  const packets = evidence.hosts.get(address)?.packets ?? 0
  const because = [
    kind === 'loop'
      ? say('hop-limit', { from: icmp.from, host: address }, at)
      : say('icmp', { from: icmp.from, meaning: icmp.meaning, host: address }, at),
  ]
  if (packets === 0) because.push(say('host-silent', { host: address }, at))
  const against = packets > 0 ? [say('host-answers', { packets, host: address }, at)] : []
  const verdict: Verdict = {
    connections: [connection],
    ...(kind === 'loop' ? { variant: 'routing-loop' } : {}),
    certainty: 'likely',
    severity: 'problem',
    weight: packets > 0 ? 75 : 85,
    culprit: { side: 'network', host: icmp.from },
    because,
    against,
    values: { router: icmp.from, endpoint, host: address },
    group: `${address} ${icmp.from}`,
  }
  const experiments = weighConnects('host-unreachable', endpoint, evidence, (found) => {
    const { outcome, icmpFrom, refusedBy } = found
    if (icmpFrom !== null) return icmpFrom === icmp.from && packets === 0 ? 'confirms' : 'supports'
    if (isTaken(found) || (outcome === 'refused' && refusedBy !== 'nearer')) return 'contradicts'
    return outcome === 'unreachable' ? 'supports' : null
  })
  return withExperiments(verdict, experiments, evidence)
}
