import type { ConnectionFacts, ResetFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import {
  atFrame,
  type Cause,
  connectionRef,
  frameOf,
  judgeEach,
  otherSide,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'

const say = reasonsOf('reset-after-exchange')

/** RFC 8446 §5.2: a TLS 1.3 close_notify record is 24 octets, TLS 1.2 with CBC at most 31 plus its header here. */
const GOODBYE_OCTETS = 31

/** A reset when everything had been said and received: a tail end without harm. */
export const resetAfterExchange = {
  id: 'reset-after-exchange',
  needs: ['packets', 'payload'],
  refs: [
    'RFC 9293 §3.6.1',
    'RFC 1122 §4.2.2.13',
    'Linux net/ipv4/tcp_input.c tcp_rcv_state_process',
  ],
  confusedWith: ['client-cancelled', 'close-with-unread-data', 'data-after-close', 'linger-zero'],
  judge: (evidence) =>
    judgeEach(evidence, ['reset', 'reset-after-close', 'reset-after-fin'], judgeOne),
} as const satisfies Cause

function judgeOne(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  const reset = connection.resets.find((r) => r.accepted !== false)
  if (reset === undefined || reset.ttlUnusual || connection.seen !== 'both') return null
  if (connection.requestPending || connection.exchanges === 0) return null
  if (connection.ending === 'reset' && reset.from === 'server') return null
  if (leftBehind(connection, reset)) return null
  if (connection.sides[reset.from].keepaliveUnanswered > 0) return null // it gave up on a dead peer
  const told = evidence.application.get(connection.id)?.http?.bodyComplete ?? 'unknown'
  if (told === false) return null
  const likely =
    told === true || connection.ending === 'reset-after-close' || goodbye(reset, connection)
  return {
    connections: [connection],
    certainty: likely ? 'likely' : 'possible',
    severity: 'benign',
    weight: likely ? (told === true ? 78 : 70) : 32,
    culprit: { side: reset.from, host: connection[reset.from].address },
    ...reasons(connection, reset, evidence, told === true),
    group: connection.server.endpoint,
  }
}

/** Whether anything of the exchange had not arrived, or had arrived and not been read, when the reset ended it. */
function leftBehind(connection: ConnectionFacts, reset: ResetFacts): boolean {
  const sender = connection.sides[reset.from]
  const peer = connection.sides[otherSide(reset.from)]
  if ((reset.trigger?.len ?? 0) > GOODBYE_OCTETS) return true
  if (sender.payloadOctets > sender.ackedOctets) return true
  if (peer.payloadOctets - peer.ackedOctets > GOODBYE_OCTETS) return true
  if ((sender.unreadOctets ?? 0) > GOODBYE_OCTETS) return true
  const left = connection.sides.client.fin?.tMs ?? Number.POSITIVE_INFINITY
  return (connection.response?.startMs ?? 0) > left // the answer came when the client had gone
}

/** The reset's sender had closed; what triggers it is a FIN, an ACK or a record as small as close_notify. */
function goodbye(reset: ResetFacts, connection: ConnectionFacts): boolean {
  return reset.shape === 'stateless' && connection.sides[reset.from].fin !== null
}

function reasons(
  connection: ConnectionFacts,
  reset: ResetFacts,
  evidence: Evidence,
  complete: boolean,
): Pick<Verdict, 'because' | 'against'> {
  const at = frameOf(reset, connection)
  const http = evidence.application.get(connection.id)?.http
  const because: Reason[] = [
    say(
      'all-acknowledged',
      {
        client: connection.sides.client.payloadOctets,
        server: connection.sides.server.payloadOctets,
      },
      connectionRef(connection),
    ),
  ]
  const against: Reason[] = []
  if (complete) {
    because.push(say('complete', {}, atFrame(http?.responseFrame ?? reset.frame, connection)))
  } else against.push(say('length-unknown', {}, connectionRef(connection)))
  if (connection.ending === 'reset-after-close') because.push(say('both-closed', {}, at))
  else if (goodbye(reset, connection))
    because.push(say('after-own-close', { side: reset.from }, at))
  return { because, against }
}
