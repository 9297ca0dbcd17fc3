import { groupBy } from '../base/group-by.ts'
import type { ConnectionFacts, Side } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import {
  atFrame,
  type Cause,
  connectionRef,
  frameOf,
  type Judgement,
  otherSide,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { fatesOf } from './where.ts'

const say = reasonsOf('conntrack-invalid')

/** A stray piece is a segment or a few, never a conversation. */
const STRAY_PACKETS = 20

/** A segment escaped address translation (conntrack judged it INVALID) and the receiver reset a stranger's address. */
export const conntrackInvalid = {
  id: 'conntrack-invalid',
  needs: ['packets', 'both-sides', 'kernel'],
  refs: [
    'Linux net/netfilter/nf_conntrack_proto_tcp.c tcp_in_window, nf_conntrack_tcp_be_liberal',
    'kubernetes/kubernetes#74839',
  ],
  confusedWith: [
    'asymmetric-path',
    'close-with-unread-data',
    'injected-reset',
    'middlebox-idle-timeout',
  ],
  judge,
} as const satisfies Cause

function judge(evidence: Evidence): Judgement {
  const byClient = groupBy(evidence.connections, ({ client }) => client.endpoint)
  const verdicts: Verdict[] = passedTheBox(evidence)
  for (const stray of evidence.connections) {
    const resetter = strayReset(stray)
    if (resetter === null) continue
    const known = byClient.get(stray[resetter].endpoint)?.find((c) => belongs(stray, c, resetter))
    if (known !== undefined) verdicts.push(judgeOne(stray, known, resetter, evidence))
  }
  return { verdicts }
}

/** One capture on both sides of the box: a segment of the server passed it as it was, and so did the client's RST to it. */
function passedTheBox(evidence: Evidence): Verdict[] {
  return evidence.connections.flatMap((connection) => {
    const found = evidence.translation?.untranslated?.get(connection.id)
    if (found === undefined) return []
    const { from, frame, reset } = found
    const service = connection.server.endpoint
    const because = [
      say('passed-untranslated', { from, server: service }, atFrame(frame, connection)),
      say('reset-by-client', { from }, atFrame(reset, connection)),
    ]
    const died = connection.ending.startsWith('reset') || connection.ending === 'timed-out'
    if (died) because.push(say('died-too', { server: service }, connectionRef(connection)))
    return [
      {
        connections: [connection],
        certainty: 'confirmed' as const,
        severity: 'problem' as const,
        weight: 96,
        culprit: {
          side: 'middlebox' as const,
          setting: 'net.netfilter.nf_conntrack_tcp_be_liberal',
        },
        because,
        against: [],
        values: { from, service },
        group: service,
      },
    ]
  })
}

/** Who answered a connection without a beginning by a stateless RST; null when it is none. */
function strayReset(connection: ConnectionFacts): Side | null {
  if (connection.sawStart || connection.resets.length === 0) return null
  const { client, server } = connection.sides
  if (client.packets + server.packets > STRAY_PACKETS) return null
  const reset = connection.resets.find((r) => r.shape === 'stateless' && r.trigger !== null)
  if (reset === undefined) return null
  const resetter = connection.sides[reset.from]
  return resetter.payloadOctets === 0 && resetter.packets === resetter.resets ? reset.from : null
}

/** The same client address and port talks with another address at that time. */
function belongs(stray: ConnectionFacts, known: ConnectionFacts, resetter: Side): boolean {
  if (known === stray || strayReset(known) !== null) return false
  if (known.server.endpoint === stray[otherSide(resetter)].endpoint) return false
  if (known.server.address === stray[otherSide(resetter)].address) return false
  return known.startMs <= stray.startMs && stray.startMs <= known.lastMs + 1000
}

function judgeOne(
  stray: ConnectionFacts,
  known: ConnectionFacts,
  resetter: Side,
  evidence: Evidence,
): Verdict {
  const from = stray[otherSide(resetter)].endpoint
  const reset = stray.resets.find((r) => r.from === resetter)!
  const altered = fatesOf(known, evidence).some(
    // A clamped MSS is not what breaks a connection.
    (f) => f.fate === 'altered' && f.kind !== 'syn' && f.kind !== 'syn-ack',
  )
  const because: Reason[] = [
    say(
      'stray',
      { from, client: known.client.endpoint, server: known.server.endpoint },
      frameOf(reset.trigger ?? reset, stray),
    ),
    say('reset-by-client', { from }, frameOf(reset, stray)),
  ]
  if (altered) because.push(say('altered', {}, connectionRef(known)))
  const died = known.ending.startsWith('reset') || known.ending === 'timed-out'
  if (died) because.push(say('died-too', { server: known.server.endpoint }, connectionRef(known)))
  return {
    connections: died ? [stray, known] : [stray],
    certainty: altered ? 'confirmed' : 'likely',
    severity: 'problem',
    weight: altered ? 92 : 80,
    culprit: { side: 'middlebox', setting: 'net.netfilter.nf_conntrack_tcp_be_liberal' },
    because,
    against: [],
    values: { from, service: known.server.endpoint },
    group: known.server.endpoint,
  }
}
