import type { ConnectionFacts, ResetFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { firstAct } from './bursts.ts'
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
import { closedUnanswered } from './closed-unanswered.ts'
import { unacknowledged } from './closing.ts'
import { farewell, type LastWords } from './farewell.ts'

const say = reasonsOf('reset-after-exchange')

/** What is unread is judged by the window, which goes in steps. */
const WINDOW_ROUNDING = 31
/** Beyond the end of a response: a notice that the server goes, no answer. */
const LAST_WORDS = 64

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
  const last = lastWords(connection, reset, evidence)
  if (last === null || connection.exchanges === 0) return null
  if (connection.ending === 'reset' && reset.from === 'server' && last.is !== 'yes') return null
  if (connection.sides[reset.from].keepaliveUnanswered > 0) return null // it gave up on a dead peer
  const told = evidence.application.get(connection.id)?.http?.bodyComplete ?? 'unknown'
  if (told === false || closedUnanswered(connection, evidence) !== null) return null
  const { server } = connection.sides
  const closedFirst = server.fin !== null && firstAct(connection)?.side === 'server'
  const tls = evidence.application.get(connection.id)?.tls
  const ticketsOnly = closedFirst && tls?.unanswered === 'unknown'
  const ended = connection.ending === 'reset-after-close' || goodbye(reset, connection)
  const likely =
    last.is !== 'perhaps' && (told === true || ended || last.is === 'yes') && !ticketsOnly
  return {
    connections: [connection],
    certainty: likely && !perhapsUnread(connection, reset) ? 'likely' : 'possible',
    severity: 'benign',
    weight: weightOf(likely, told === true, last),
    culprit: { side: reset.from, host: connection[reset.from].address },
    ...reasons(connection, reset, { evidence, complete: told === true, last }),
    group: connection.server.endpoint,
  }
}

function weightOf(likely: boolean, complete: boolean, last: Unheard): number {
  if (!likely) return last.is === 'perhaps' ? 46 : 32
  return complete ? 78 : 70
}

/** What was not acknowledged or not read when the reset came, if only the end of a TLS session: 'none' = nothing was. */
interface Unheard {
  is: 'none' | 'yes' | 'perhaps'
  octets: number
}

/** null: something of the exchange had not arrived, or had arrived and not been read, when the reset ended it. */
function lastWords(
  connection: ConnectionFacts,
  reset: ResetFacts,
  evidence: Evidence,
): Unheard | null {
  const sender = connection.sides[reset.from]
  const other = otherSide(reset.from)
  const peer = connection.sides[other]
  if (unacknowledged(sender) > 0) return null
  const left = connection.sides.client.fin?.tMs ?? Number.POSITIVE_INFINITY
  const late = (connection.response?.startMs ?? 0) > left // an answer that came when the client had gone
  const unread = sender.unreadOctets ?? 0
  const words: LastWords[] = [
    { from: 'server', octets: late ? (connection.response?.octets ?? 0) : 0 },
    { from: other, octets: reset.trigger?.len ?? 0 },
    { from: other, octets: unacknowledged(peer) },
    {
      from: 'client',
      octets: connection.requestPending ? (connection.request?.octets ?? 0) : 0,
    },
    { from: other, octets: unread > rounding(connection, reset) ? unread : 0 },
  ]
  const open = words.filter(({ octets }) => octets > 0)
  // What the server resets came from the client: in plain HTTP that is a request, however short.
  const complete = !late && reset.from === 'client' && wasComplete(connection, evidence)
  const each = open.map((some) =>
    complete && some.octets <= LAST_WORDS ? 'yes' : farewell(connection, some, evidence),
  )
  if (each.includes('no')) return null
  return {
    is: each.includes('perhaps') ? 'perhaps' : each.includes('yes') ? 'yes' : 'none',
    octets: Math.max(0, ...open.map(({ octets }) => octets)),
  }
}

/** A reset without FIN of its own accord: SO_LINGER 0, or a few octets unread, which the steps of a window do not show. */
function perhapsUnread(connection: ConnectionFacts, reset: ResetFacts): boolean {
  return connection.ending === 'reset' && reset.from === 'client' && reset.shape === 'active'
}

/** The client had all that it had asked for and closed: what the server still says answers nothing. */
function wasComplete(connection: ConnectionFacts, evidence: Evidence): boolean {
  const http = evidence.application.get(connection.id)?.http
  return http?.bodyComplete === true && connection.sides.client.fin !== null
}

/** When the other side has closed and had its answer, only whole steps of the window are believed. */
function rounding(connection: ConnectionFacts, reset: ResetFacts): number {
  const peer = connection.sides[otherSide(reset.from)]
  const left = peer.fin !== null && peer.fin.tMs < reset.tMs && !connection.requestPending
  if (!left) return WINDOW_ROUNDING
  return Math.max(WINDOW_ROUNDING, 2 << (connection.sides[reset.from].windowScale ?? 0))
}

/** The reset's sender had closed; what triggers it is a FIN, an ACK or a record as small as close_notify. */
function goodbye(reset: ResetFacts, connection: ConnectionFacts): boolean {
  return reset.shape === 'stateless' && connection.sides[reset.from].fin !== null
}

function reasons(
  connection: ConnectionFacts,
  reset: ResetFacts,
  { evidence, complete, last }: { evidence: Evidence; complete: boolean; last: Unheard },
): Pick<Verdict, 'because' | 'against'> {
  const at = frameOf(reset, connection)
  const http = evidence.application.get(connection.id)?.http
  const { client, server } = connection.sides
  const because: Reason[] = []
  const against: Reason[] = []
  if (last.is === 'none') {
    const values = { client: client.payloadOctets, server: server.payloadOctets }
    because.push(say('all-acknowledged', values, connectionRef(connection)))
  } else {
    const key = complete ? 'but-last-words' : 'but-farewell'
    because.push(say(key, { octets: last.octets, side: otherSide(reset.from) }, at))
    if (last.is === 'perhaps') against.push(say('farewell-by-size', { octets: last.octets }, at))
  }
  if (complete) {
    because.push(say('complete', {}, atFrame(http?.responseFrame ?? reset.frame, connection)))
  } else against.push(say('length-unknown', {}, connectionRef(connection)))
  if (perhapsUnread(connection, reset)) against.push(say('perhaps-unread', { who: reset.from }, at))
  if (connection.ending === 'reset-after-close') because.push(say('both-closed', {}, at))
  else if (goodbye(reset, connection))
    because.push(say('after-own-close', { side: reset.from }, at))
  return { because, against }
}
