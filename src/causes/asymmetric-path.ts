import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import {
  atFrame,
  type Cause,
  connectionRef,
  type Judgement,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { isBlackHole } from './path-mtu-black-hole.ts'
import { captureSide, fatesOf, isProvenOfBox, provenFates } from './where.ts'

const say = reasonsOf('asymmetric-path')

/** One direction never arrives although the other does. */
export const asymmetricPath = {
  id: 'asymmetric-path',
  needs: ['both-sides', 'packets'],
  refs: [
    'RFC 9293 §3.8.1',
    'Linux net/netfilter/nf_conntrack_proto_tcp.c (nf_conntrack_tcp_loose)',
  ],
  confusedWith: ['accept-queue-overflow', 'connect-filtered', 'packet-loss', 'path-lost'],
  judge,
} as const satisfies Cause

/** What was under way when the way back was lost does not count. */
const HEARD_MS = 500

function judge(evidence: Evidence): Judgement {
  const verdicts: Verdict[] = []
  for (const connection of evidence.connections) {
    const verdict =
      synAckLost(connection, evidence) ??
      answersLost(connection, evidence) ??
      answersUnheard(connection, evidence) ??
      ackNeverArrives(connection, evidence) ??
      ackLost(connection, evidence) ??
      clientUnheard(connection, evidence)
    if (verdict !== null) verdicts.push(verdict)
  }
  if (!verdicts.some((v) => v.certainty === 'possible')) return { verdicts }
  return {
    verdicts,
    unknown: {
      missing: ['the other end: whether its packets leave and these arrive'],
      ask: 'tcpwhy analyze --at client=client.pcap --at server=server.pcap',
    },
  }
}

/** Two captures: the SYN arrived, the SYN-ACK left and did not arrive, again and again. */
function synAckLost(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  const { ackMs, syns, synFrame } = connection.handshake
  const inBox = isProvenOfBox(connection, evidence)
  const lost = provenFates(connection, evidence).filter(
    (f) => f.kind === 'syn-ack' && f.fate === 'lost',
  )
  const first = lost[0]
  if (first === undefined || ackMs !== null) return null
  const again = lost.length > 1 || syns > 1
  return {
    ...found(connection, again ? 'likely' : 'possible', again ? 88 : 60),
    because: [
      ...(inBox
        ? []
        : [say('syn-arrives', { syns }, atFrame(synFrame ?? connection.firstFrame, connection))]),
      say(
        inBox ? 'syn-ack-in-box' : 'syn-ack-lost',
        { times: lost.length },
        atFrame(first.frame, connection),
      ),
    ],
    // Lost once among handshakes that complete: any lossy network does that.
    against: again ? [] : othersFine(connection, evidence),
    values: { direction: 'from server to client' },
  }
}

/** Two captures: the client's segments arrive, whatever the server sends after its SYN-ACK does not. */
function answersLost(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  const fates = fatesOf(connection, evidence)
  const answers = fates.filter((f) => f.from === 'server' && f.kind !== 'syn-ack')
  const lost = answers.filter((f) => f.fate === 'lost')
  const first = lost[0]
  // From some moment on none arrives: before it the way back was there.
  const arrived = answers.filter((f) => f.fate === 'delivered' && f.tMs > (first?.tMs ?? 0))
  if (first === undefined || lost.length < 2 || arrived.length > 0) return null
  if (!lost.some((f) => f.kind === 'data' || f.kind === 'ack')) return null
  if (isBlackHole(connection, evidence)) return null // its short segments do arrive
  // Whoever answers them in the client's name stops them: a filter, not the way.
  if (fates.some((f) => f.from === 'client' && f.kind === 'reset' && f.fate === 'injected'))
    return null
  if (!fates.some((f) => f.from === 'client' && f.kind === 'data' && f.fate === 'delivered')) {
    return null
  }
  return {
    ...found(connection, 'likely', 88),
    because: [say('answers-lost', { times: lost.length }, atFrame(first.frame, connection))],
    against: [],
    values: { direction: 'from server to client' },
  }
}

/** Taken at the server: it answers, and the client asks the same again and acknowledges nothing of the answer. */
function answersUnheard(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  const { client, server } = connection.sides
  if (captureSide(connection, evidence) !== 'server' || server.payloadOctets === 0) return null
  const asked = client.retransmissions.rto + client.retransmissions.spurious
  if (client.ackedOctets === 0 || asked < 2 || server.retransmissions.rto === 0) return null
  const { unanswered } = server
  // Until then it had heard: the way back was lost in the middle.
  const before = server.ackedOctets > 0
  if (before && (unanswered === null || unanswered.times < 3)) return null
  if (before && (client.lastMs ?? 0) < (unanswered?.firstMs ?? 0) + HEARD_MS) return null
  const frame = unanswered?.firstFrame ?? server.lastDataFrame ?? connection.firstFrame
  const values = { asked, answered: before ? unanswered!.times : server.retransmissions.rto + 1 }
  const key = before ? 'no-longer-heard' : 'answers-unheard'
  return {
    ...found(connection, 'possible', 64),
    because: [say(key, values, atFrame(frame, connection))],
    against: othersFine(connection, evidence),
    values: { direction: 'from server to client' },
  }
}

/** Taken at the server: SYN repeated although SYN-ACKs leave; the client acts as if alone. */
function ackNeverArrives(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  if (connection.ending !== 'handshake-incomplete' && connection.ending !== 'timed-out') return null
  const { syns, synAcks, ackMs, synFrame, synAckFrame } = connection.handshake
  if (ackMs !== null || syns < 2 || synAcks < 2) return null
  if (captureSide(connection, evidence) === 'client') return null
  const because = [
    say('syn-repeated', { syns }, atFrame(synFrame ?? connection.firstFrame, connection)),
    say('syn-ack-repeated', { synAcks }, atFrame(synAckFrame ?? connection.firstFrame, connection)),
  ]
  return {
    ...found(connection, 'possible', 60),
    because,
    against: othersFine(connection, evidence),
    values: { direction: 'from server to client' },
  }
}

/** As many half-open handshakes are a flood or a scan. */
const FLOOD = 100

/**
 * Taken at the server: it repeats its SYN-ACK and no ACK comes, on a port that served nobody. Who had not heard the SYN-ACK would
 * have repeated its SYN after a second (RFC 6298), so the client did hear it, or never meant to answer.
 */
function ackLost(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  const { syns, synAcks, ackMs, synAckFrame } = connection.handshake
  if (connection.ending !== 'handshake-incomplete' || ackMs !== null) return null
  if (syns !== 1 || synAcks < 3 || captureSide(connection, evidence) === 'client') return null
  const endpoint = evidence.endpoints.get(connection.server.endpoint)
  if ((endpoint?.served ?? 0) > 0 || (endpoint?.established ?? 0) > 0) return null
  const alike = endpoint?.byEnding['handshake-incomplete'] ?? 1
  if (alike < 2 || alike >= FLOOD) return null
  const at = atFrame(synAckFrame ?? connection.firstFrame, connection)
  return {
    ...found(connection, 'possible', 55),
    because: [
      say('syn-ack-repeated', { synAcks }, at),
      say('nobody-served', {}, connectionRef(connection)),
    ],
    against: [say('scan-alike', {}, at)],
    values: { direction: 'from client to server, after the SYN' },
  }
}

/** Taken at the client: the server repeats SYN-ACKs and takes no ACK and no data, on a port that never served anybody. */
function clientUnheard(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  const { ackMs, ackFrame, synAckAfterAck } = connection.handshake
  const client = connection.sides.client
  if (ackMs === null || client.ackedOctets > 0) return null
  const times = Math.max(client.retransmissions.rto + 1, client.unanswered?.times ?? 0)
  if (times < 3 || client.payloadOctets === 0) return null
  if (synAckAfterAck === 0 && !otherPortsFine(connection, evidence)) return null
  const fates = fatesOf(connection, evidence).filter(
    (f) => f.from === 'client' && (f.kind === 'ack' || f.kind === 'data'),
  )
  const proven = fates.length > 0 && fates.every((f) => f.fate === 'lost')
  if (!proven && (fates.length > 0 || captureSide(connection, evidence) === 'server')) return null
  const served = evidence.endpoints.get(connection.server.endpoint)?.served ?? 0
  if (!proven && served > 0) return null
  const at = atFrame(ackFrame ?? connection.firstFrame, connection)
  const because = [
    synAckAfterAck > 0
      ? say('ack-ignored', { times: synAckAfterAck }, at)
      : say('data-unheard', { times }, at),
  ]
  if (proven) because.push(say('client-lost', { times: fates.length }, at))
  else because.push(say('nobody-served', {}, connectionRef(connection)))
  return {
    // Other ports of the host are fine: heavier than a lost path, though no more certain.
    ...found(
      connection,
      proven ? 'likely' : 'possible',
      proven ? 85 : synAckAfterAck > 0 ? 50 : 72,
    ),
    because,
    against: proven ? [] : [say('queue-alike', {}, at)],
    values: {
      direction: synAckAfterAck > 0 ? 'from client to server, after the SYN' : 'of one direction',
    },
  }
}

/** The host talks with others on other ports meanwhile, and took several handshakes on this one. */
function otherPortsFine(connection: ConnectionFacts, evidence: Evidence): boolean {
  const endpoint = evidence.endpoints.get(connection.server.endpoint)
  const packets = evidence.hosts.get(connection.server.address)?.packets ?? 0
  return (endpoint?.established ?? 0) > 1 && packets > 2 * (endpoint?.connections ?? 0)
}

function othersFine(connection: ConnectionFacts, evidence: Evidence): Reason[] {
  const served = evidence.endpoints.get(connection.server.endpoint)?.served ?? 0
  return served === 0 ? [] : [say('others-served', { served }, connectionRef(connection))]
}

function found(connection: ConnectionFacts, certainty: 'likely' | 'possible', weight: number) {
  return {
    connections: [connection],
    certainty,
    severity: 'problem',
    weight,
    culprit: { side: 'network' },
    group: `${connection.client.address} ${connection.server.endpoint}`,
  } as const
}
