import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import type { ConnectExperiment } from '../evidence/experiments.ts'
import {
  atFrame,
  type Cause,
  connectionRef,
  type Exclusion,
  type Judgement,
  judgeEach,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { judgeSynSent } from './machine/connect-filtered.ts'
import { isCutByTheEnd, type UnansweredSyn, unansweredSyn } from './unanswered.ts'
import { type Effect, isTaken, weighConnects, withExperiments } from './weigh-experiments.ts'

const say = reasonsOf('connect-filtered')

/** SYNs disappear in silence: a filter or a missing route, on the way or at the server's own door. */
export const connectFiltered = {
  id: 'connect-filtered',
  needs: ['both-sides', 'packets', 'experiment'],
  refs: ['RFC 9293 §3.8.1', 'RFC 6298 §2.1, §5.7', 'Linux net/ipv4/tcp_timer.c tcp_write_timeout'],
  confusedWith: [
    'accept-queue-overflow',
    'asymmetric-path',
    'host-unreachable',
    'syn-queue-overflow',
  ],
  judge,
  judgeMachine: judgeSynSent,
} as const satisfies Cause

/** As many single SYNs to one port are more than a lossy path makes; a kernel would repeat each after a second. */
const FLOOD = 100

function judge(evidence: Evidence): Judgement {
  const floods = floodsOf(evidence)
  const { verdicts } = judgeEach(evidence, ['unanswered'], (connection) => {
    const verdict = weigh(judgeOne(connection, evidence), evidence)
    const once = floods.get(connection.server.endpoint) ?? 0
    if (verdict === null || once === 0 || connection.handshake.syns > 1) return verdict
    const doubt = say('sent-once', { once }, connectionRef(connection))
    return { ...verdict, against: [...verdict.against, doubt] }
  })
  const arrived = verdicts.length === 0 ? synArrived(evidence) : null
  if (arrived !== null) return { verdicts, excluded: arrived }
  const unsure = verdicts.find((v) => v.certainty === 'possible')
  if (unsure === undefined) return { verdicts }
  const server = unsure.connections[0]?.server
  return {
    verdicts,
    unknown: {
      missing: [
        `whether the SYNs reach ${server?.address}: a capture taken there in the same minutes`,
      ],
      ask: 'tcpwhy analyze --at client=client.pcap --at server=server.pcap',
    },
  }
}

function weigh(verdict: Verdict | null, evidence: Evidence): Verdict | null {
  if (verdict === null) return null
  const found = weighConnects('connect-filtered', verdict.group, evidence, (experiment) => {
    return effectOf(experiment, verdict)
  })
  return withExperiments(verdict, found, evidence)
}

/**
 * A single SYN that two captures show to be lost may be chance; with the experiment's, on a host that is up, it is not. Without the
 * second capture a queue that stays full drops SYNs just as well, so that silence only supports.
 */
function effectOf(found: ConnectExperiment, { because }: Verdict): Effect | null {
  const { outcome, icmpFrom } = found
  if (isTaken(found) || outcome === 'refused') return 'contradicts'
  if (outcome === 'unreachable' || icmpFrom !== null) return 'contradicts'
  if (outcome !== 'filtered') return null
  const needed = ['syn-lost', 'never-answered', 'host-alive']
  const isProven = needed.every((key) => because.some((reason) => reason.key === key))
  return isProven ? 'confirms' : 'supports'
}

/** Endpoints with very many SYNs that were not repeated, and how many. */
function floodsOf(evidence: Evidence): Map<string, number> {
  const once = new Map<string, number>()
  for (const { ending, handshake, server, weight } of evidence.connections) {
    if (ending !== 'unanswered' || handshake.syns !== 1) continue
    once.set(server.endpoint, (once.get(server.endpoint) ?? 0) + weight)
  }
  return new Map([...once].filter(([, count]) => count >= FLOOD))
}

/** Unanswered SYNs that are known to have reached a server that answers others: nothing on the way filters them. */
function synArrived(evidence: Evidence): Exclusion | null {
  for (const connection of evidence.connections) {
    if (connection.ending !== 'unanswered') continue
    const syn = unansweredSyn(connection, evidence)
    if (syn.stopped !== 'at-server' && syn.stopped !== 'answer-lost') continue
    const at = atFrame(connection.handshake.synFrame ?? connection.firstFrame, connection)
    return { because: [say('syn-seen-at-server', { server: connection.server.endpoint }, at)] }
  }
  return null
}

function judgeOne(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  if (isCutByTheEnd(connection)) return null
  const syn = unansweredSyn(connection, evidence)
  if (syn.stopped === 'answer-lost') return null
  const certain = certaintyOf(connection, syn)
  if (certain === null) return null
  const inBox = syn.inBox && syn.stopped === 'before-server'
  return {
    connections: [connection],
    ...(inBox ? { variant: 'by-box' } : {}),
    severity: 'problem',
    ...certain,
    culprit:
      syn.stopped === 'at-server'
        ? { side: 'server', host: connection.server.address }
        : { side: inBox ? 'middlebox' : 'network' },
    because: reasonsFor(connection, syn),
    against: reasonsAgainst(connection, syn),
    group: connection.server.endpoint,
  }
}

/** A port that answers others meanwhile is not filtered for this client, unless two captures prove the loss. */
function certaintyOf(
  connection: ConnectionFacts,
  syn: UnansweredSyn,
): Pick<Verdict, 'certainty' | 'weight'> | null {
  if (syn.stopped === 'before-server') {
    const dropped = connection.handshake.syns > 1 && syn.hostPackets > 0
    // One SYN lost among others that were answered is what any lossy network does.
    if (connection.handshake.syns === 1 && syn.answeredAround) return null
    return dropped && !syn.answeredAround
      ? { certainty: 'confirmed', weight: 90 }
      : { certainty: 'likely', weight: 70 }
  }
  if (syn.stopped === 'at-server') {
    if (syn.answeredEver || syn.halfOpen > 0) return null
    return { certainty: 'possible', weight: 45 }
  }
  if (syn.absent) return { certainty: 'likely', weight: 70 }
  return { certainty: 'possible', weight: syn.answeredAround ? 35 : 55 }
}

function reasonsFor(connection: ConnectionFacts, syn: UnansweredSyn): Reason[] {
  const { syns, synFrame } = connection.handshake
  const server = connection.server.endpoint
  const at = atFrame(synFrame ?? connection.firstFrame, connection)
  const because = [
    say('syn-unanswered', { syns, within: connection.lastMs - syn.firstSynMs, server }, at),
  ]
  if (syn.stopped === 'before-server')
    because.push(say(syn.inBox ? 'syn-lost-in-box' : 'syn-lost', { server }, at))
  if (syn.absent) because.push(say('syn-absent', { server }, at))
  if (!syn.answeredEver) {
    because.push(say('never-answered', { server }, connectionRef(connection)))
    if (syn.hostPackets > 0) {
      because.push(
        say(
          'host-alive',
          { host: connection.server.address, packets: syn.hostPackets },
          connectionRef(connection),
        ),
      )
    }
  }
  return because
}

function reasonsAgainst(connection: ConnectionFacts, syn: UnansweredSyn): Reason[] {
  const at = connectionRef(connection)
  const server = connection.server.endpoint
  const against: Reason[] = []
  if (syn.answeredAround) against.push(say('answers-others', { server }, at))
  else if (syn.answeredEver) against.push(say('answered-before', { server }, at))
  const self = connection.client.address === connection.server.address
  if (syn.hostPackets === 0 && !syn.hidden && !self)
    against.push(say('host-silent', { host: connection.server.address }, at))
  if (syn.absent) {
    against.push(say('one-port', { port: connection.server.port }, at))
  }
  if (syn.stopped === 'at-server') against.push(say('syn-arrived', { server }, at))
  return against
}
