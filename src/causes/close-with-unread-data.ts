import type { HttpFacts } from '../evidence/application.ts'
import type { ConnectionFacts, ResetFacts, SideFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import {
  atFrame,
  type Cause,
  type Certainty,
  connectionRef,
  frameOf,
  judgeEach,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { abortAfterOwnFin, activeAbort, endedTogether } from './closing.ts'
import { farewell } from './farewell.ts'
import { judgeCloseWithUnreadDataHere } from './machine/close-with-unread-data.ts'

import { weighed, weighUploads } from './weigh-experiments.ts'

const say = reasonsOf('close-with-unread-data')

const TOGETHER = 3
const INSTANT_MS = 10
const LITTLE = 512 // a window that grows while a new connection begins hides as much
const SEGMENT = 1460
const UPLOAD_OCTETS = 4096 // more than a head: a body was on its way

/** close() while received octets wait unread: Linux sends RST instead of FIN. */
export const closeWithUnreadData = {
  id: 'close-with-unread-data',
  needs: ['packets', 'kernel', 'experiment'],
  refs: ['RFC 2525 §2.17', 'RFC 1122 §4.2.2.13', 'Linux net/ipv4/tcp.c __tcp_close'],
  sameToKernel: ['client-cancelled', 'health-check', 'process-killed'],
  confusedWith: ['linger-zero', 'client-cancelled', 'process-killed', 'accept-and-close'],
  judge: (evidence) =>
    weighed(
      judgeEach(evidence, ['reset', 'reset-after-fin'], judgeOne),
      evidence,
      ({ variant }, endpoint) =>
        variant === 'early-response-upload'
          ? weighUploads('close-with-unread-data', endpoint, evidence, 'lost')
          : [],
    ),
  judgeMachine: judgeCloseWithUnreadDataHere,
} as const satisfies Cause

interface Found {
  variant: 'unread-response' | 'early-response-upload' | 'unread-request'
  certainty: Certainty
  weight: number
  reset: ResetFacts
  because: Reason[]
  against: Reason[]
}

function judgeOne(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  const found = find(connection, evidence)
  if (found === null) return null
  const side = found.reset.from
  const http = evidence.application.get(connection.id)?.http ?? null
  return {
    connections: [connection],
    variant: found.variant,
    certainty: found.certainty,
    severity: 'problem',
    weight: found.weight,
    culprit: { side, host: connection[side].address },
    because: found.because,
    against: [...found.against, ...oneInstant(connection, found.reset, evidence)],
    values: {
      culprit: connection[side].address,
      request: http?.request ?? '',
      named: Number((http?.request ?? null) !== null),
      ofServer: Number(side === 'server'),
    },
    group: `${connection.server.endpoint} ${side}`,
  }
}

/** Closed one by one, or all of them by the end of the process: no difference but the time. */
function oneInstant(
  connection: ConnectionFacts,
  reset: ResetFacts,
  evidence: Evidence,
): readonly Reason[] {
  if (reset.from !== 'client') return []
  const count = endedTogether(evidence, connection, 'client', INSTANT_MS)
  return count >= TOGETHER ? [say('one-instant', { count }, frameOf(reset, connection))] : []
}

function find(connection: ConnectionFacts, evidence: Evidence): Found | null {
  const http = evidence.application.get(connection.id)?.http ?? null
  const abort = activeAbort(connection) ?? abortAfterOwnFin(connection)
  if (abort === null) return uploadAfterFin(connection, http)
  if (abort.from === 'client') return unreadResponse(connection, abort, evidence)
  return (
    earlyResponse(connection, abort, http) ??
    unreadRequest(connection, abort, evidence) ??
    surplusOctets(connection, abort, http) ??
    refusedUnread(connection, abort, evidence)
  )
}

/** The client resets although the response has come, or is coming: was it read? The window tells. */
function unreadResponse(
  connection: ConnectionFacts,
  reset: ResetFacts,
  evidence: Evidence,
): Found | null {
  const { client, server } = connection.sides
  const application = evidence.application.get(connection.id)
  const http = application?.http ?? null
  if (connection.requestPending || server.payloadOctets === 0) return null
  const unread = client.unreadOctets ?? 0
  if (farewell(connection, { from: 'server', octets: unread }, evidence) === 'yes') return null
  const incomplete = http !== null && http.bodyComplete === false
  const sending = isStillSending(server, reset)
  if (unread === 0 && !incomplete && !sending) return null
  const closing = isClosing(client)
  const certain = unread > 0 && (closing || incomplete)
  return {
    variant: 'unread-response',
    certainty: certain ? 'likely' : 'possible',
    weight: weightOfResponse(certain, incomplete, unread),
    reset,
    because: [
      say(
        client.fin === null ? 'reset' : 'reset-after-own-fin',
        { who: 'client' },
        frameOf(reset, connection),
      ),
      ...aboutUnread(connection, 'client'),
      ...aboutBody(connection, http),
      ...(sending ? [say('still-sending', {}, connectionRef(connection))] : []),
    ],
    against: [
      ...(unread > 0 && unread < segmentOf(client)
        ? [say('less-than-a-segment', { unread }, connectionRef(connection))]
        : []),
      ...(closing
        ? []
        : [say('window-open', { window: client.lastWindow }, frameOf(reset, connection))]),
    ],
  }
}

/** On loopback segments are as long as many answers: what is usual elsewhere counts. */
function segmentOf({ mss }: SideFacts): number {
  return Math.min(mss ?? SEGMENT, SEGMENT)
}

function weightOfResponse(certain: boolean, incomplete: boolean, unread: number): number {
  if (certain) return incomplete ? 80 : 75
  return unread > 0 ? 50 : 35
}

function isStillSending(server: SideFacts, reset: ResetFacts): boolean {
  return server.inFlightOctets > 0 || (server.lastDataMs !== null && server.lastDataMs > reset.tMs)
}

/** The reader's window had shrunk to half or less: its application did not keep up, or did not read at all. */
function isClosing(reader: SideFacts): boolean {
  return reader.zeroWindow.openAtEnd || reader.lastWindow * 2 <= reader.maxWindow
}

/** The answer was given before the upload was read, and the server closed on the rest. */
function earlyResponse(
  connection: ConnectionFacts,
  reset: ResetFacts,
  http: HttpFacts | null,
): Found | null {
  if (http !== null) return answeredEarly(http) ? early(connection, reset, http, 82) : null
  const { client, server } = connection.sides
  const answered = server.lastDataMs !== null && client.firstDataMs !== null
  if (!answered || server.lastDataMs! <= client.firstDataMs! || !connection.requestPending)
    return null
  if (connection.request === null || connection.request.octets < UPLOAD_OCTETS) return null
  // Without the payload a second request that was never answered looks the same.
  return { ...early(connection, reset, null, 50), certainty: 'possible' }
}

/** The same when the server's buffer was empty at its close: FIN first, then RST for what still came. */
function uploadAfterFin(connection: ConnectionFacts, http: HttpFacts | null): Found | null {
  if (http === null || !answeredEarly(http) || connection.sides.server.fin === null) return null
  const reset = connection.resets.find((r) => r.from === 'server' && (r.trigger?.len ?? 0) > 0)
  return reset === undefined ? null : early(connection, reset, http, 89)
}

function answeredEarly(http: HttpFacts): boolean {
  return (
    http.requestBodyComplete === false &&
    http.requestFrame !== null &&
    http.responseFrame !== null &&
    http.responseFrame > http.requestFrame
  )
}

function early(
  connection: ConnectionFacts,
  reset: ResetFacts,
  http: HttpFacts | null,
  weight: number,
): Found {
  const because = [say('reset', { who: 'server' }, frameOf(reset, connection))]
  if (http !== null && http.responseFrame !== null) {
    const values = {
      request: http.request ?? 'the request',
      status: http.status ?? 0,
      seen: http.requestBodyOctets ?? 0,
      length: http.requestContentLength ?? 0,
    }
    const key = http.requestContentLength === null ? 'answered-early-chunked' : 'answered-early'
    because.push(say(key, values, atFrame(http.responseFrame, connection)))
  } else because.push(say('upload-after-answer', {}, connectionRef(connection)))
  because.push(...aboutUnread(connection, 'server'))
  return {
    variant: 'early-response-upload',
    certainty: 'likely',
    weight,
    reset,
    because,
    against: http === null ? [say('no-payload', {}, connectionRef(connection))] : [],
  }
}

/** The server's kernel had the request, its application gave no answer and closed. */
function unreadRequest(
  connection: ConnectionFacts,
  reset: ResetFacts,
  evidence: Evidence,
): Found | null {
  const { client, server } = connection.sides
  const request = connection.request
  if (!connection.requestPending || request === null) return null
  // The reset itself acknowledges what the kernel had received, read or not.
  const covered = reset.ack >= request.seq + request.octets
  if (client.inFlightOctets > 0 && !covered) return null
  const { octets } = request
  const last = farewell(connection, { from: 'client', octets }, evidence)
  if (last === 'yes') return null
  const served = server.payloadOctets > 0
  const together = endedTogether(evidence, connection, 'server') >= TOGETHER
  const certain = served && !together && last === 'no'
  const ref = connectionRef(connection)
  const against: Reason[] = []
  if (!served) against.push(say('never-served', {}, ref))
  if (together) against.push(say('together', {}, ref))
  if (last === 'perhaps') against.push(say('like-farewell', { octets: request.octets }, ref))
  return {
    variant: 'unread-request',
    certainty: certain ? 'likely' : 'possible',
    weight: certain ? 66 : last === 'perhaps' ? 38 : 42,
    reset,
    because: [
      say('reset', { who: 'server' }, frameOf(reset, connection)),
      say('request-unanswered', { octets: request.octets }, atFrame(request.lastFrame, connection)),
      ...aboutUnread(connection, 'server'),
    ],
    against,
  }
}

/** The request was read by its length, what stands behind it was not: two octets suffice. */
function surplusOctets(
  connection: ConnectionFacts,
  reset: ResetFacts,
  http: HttpFacts | null,
): Found | null {
  const surplus = http?.requestSurplusOctets ?? 0
  if (surplus === 0 || connection.requestPending) return null
  const { request } = connection
  const at = atFrame(request?.lastFrame ?? reset.frame, connection)
  return {
    variant: 'unread-request',
    certainty: 'likely',
    weight: 78,
    reset,
    because: [
      say('reset', { who: 'server' }, frameOf(reset, connection)),
      say('surplus', { octets: surplus }, at),
    ],
    against: [],
  }
}

/**
 * The status of an answer that can be given without reading the request, where the request is so short that its octets unread would
 * not show in the window; null otherwise.
 */
export function unreadRefusal(connection: ConnectionFacts, evidence: Evidence): number | null {
  const status = evidence.application.get(connection.id)?.http?.status ?? 0
  const { windowScale } = connection.sides.server
  const step = 2 ** (windowScale ?? 0)
  return status >= 400 && (connection.request?.octets ?? 0) <= Math.max(step, LITTLE)
    ? status
    : null
}

function refusedUnread(
  connection: ConnectionFacts,
  reset: ResetFacts,
  evidence: Evidence,
): Found | null {
  const status = unreadRefusal(connection, evidence)
  if (status === null || connection.requestPending || connection.exchanges !== 1) return null
  return {
    variant: 'unread-request',
    certainty: 'possible',
    weight: 42,
    reset,
    because: [
      say('reset', { who: 'server' }, frameOf(reset, connection)),
      say('refused-perhaps-unread', { status }, connectionRef(connection)),
    ],
    against: [say('perhaps-linger', {}, connectionRef(connection))],
  }
}

function aboutUnread(connection: ConnectionFacts, side: 'client' | 'server'): Reason[] {
  const { unreadOctets, lastWindow, maxWindow, zeroWindow } = connection.sides[side]
  const reasons: Reason[] = []
  if (unreadOctets !== null && unreadOctets > 0) {
    const values = { who: side, unread: unreadOctets, last: lastWindow, max: maxWindow }
    reasons.push(say('unread', values, connectionRef(connection)))
  }
  if (zeroWindow.times > 0 && zeroWindow.firstFrame !== null) {
    reasons.push(say('zero-window', { who: side }, atFrame(zeroWindow.firstFrame, connection)))
  }
  return reasons
}

/** How many octets of which response. */
function aboutBody(connection: ConnectionFacts, http: HttpFacts | null): Reason[] {
  if (http === null || http.bodyComplete !== false || http.responseFrame === null) return []
  const values = { request: http.request ?? 'the response', seen: http.bodyOctetsSeen ?? 0 }
  const ref = atFrame(http.responseFrame, connection)
  return http.contentLength === null
    ? [say('body-incomplete-chunked', values, ref)]
    : [say('body-incomplete', { ...values, length: http.contentLength }, ref)]
}
