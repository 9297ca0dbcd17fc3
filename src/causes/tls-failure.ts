import type { TlsFacts } from '../evidence/application.ts'
import type { ConnectionFacts, Side } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import {
  atFrame,
  type Cause,
  connectionRef,
  type Judgement,
  otherSide,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'

const say = reasonsOf('tls-failure')

/** RFC 8446 §6.1: closure alerts are no failures. */
const CLOSURES = [0, 90] // close_notify, user_canceled
/** Alerts by which a side rejects the other's certificate: RFC 8446 §6.2. */
const CERTIFICATE = [42, 43, 44, 45, 46, 48, 49, 113, 115, 116]
const GIVEN_UP: readonly string[] = ['reset', 'reset-after-fin', 'clean', 'half-closed']

/** The TLS handshake failed: an alert says why, or one side speaks plain text, or it ends before it was finished. */
export const tlsFailure = {
  id: 'tls-failure',
  needs: ['payload', 'application'],
  refs: ['RFC 8446 §6', 'RFC 5246 §7.2'],
  confusedWith: ['accept-and-close', 'close-with-unread-data', 'injected-reset'],
  judge,
} as const satisfies Cause

function judge(evidence: Evidence): Judgement {
  const verdicts: Verdict[] = []
  for (const connection of evidence.connections) {
    const tls = evidence.application.get(connection.id)?.tls
    if (tls == null) continue
    const verdict =
      byAlert(connection, tls) ?? byPlainText(connection, tls) ?? brokenOff(connection, tls)
    if (verdict !== null) verdicts.push(verdict)
  }
  return { verdicts }
}

function byAlert(connection: ConnectionFacts, tls: TlsFacts): Verdict | null {
  const alert = tls.alert
  if (alert === null || CLOSURES.includes(alert.description)) return null
  const { from, name, description } = alert
  const certificate = CERTIFICATE.includes(description)
  const at = atFrame(alert.frame, connection)
  const because: Reason[] = [say('alert', { from, name, description }, at)]
  if (tls.handshakeFinished === false) because.push(say('unfinished', {}, at))
  const against = tls.handshakeFinished === true ? [say('finished', {}, at)] : []
  return {
    ...found(connection, certificate ? otherSide(from) : 'unknown'),
    variant: certificate ? 'certificate' : 'alert',
    certainty: 'likely',
    weight: tls.handshakeFinished === true ? 70 : 92,
    because,
    against,
    values: { from, to: otherSide(from), name },
    group: `${connection.server.endpoint} ${from} ${name}`,
  }
}

function byPlainText(connection: ConnectionFacts, tls: TlsFacts): Verdict | null {
  const from = tls.plainTextFrom
  if (from === null) return null
  const frame = connection.request?.startFrame ?? connection.firstFrame
  return {
    ...found(connection, from === 'client' ? 'client' : 'unknown'),
    variant: 'plain-text',
    certainty: 'likely',
    weight: 88,
    because: [say('plain-text', { from }, atFrame(frame, connection))],
    against: [],
    values: { from, to: otherSide(from), name: 'plain text' },
    group: `${connection.server.endpoint} plain ${from}`,
  }
}

/** ClientHello, then the end without a word why. Resets by a filter on the server name look like this as well. */
function brokenOff(connection: ConnectionFacts, tls: TlsFacts): Verdict | null {
  if (!tls.clientHello || tls.handshakeFinished !== false) return null
  if (!GIVEN_UP.includes(connection.ending) || connection.endedBy === null) return null
  if (connection.endedBy === 'middlebox') return null
  const by = connection.endedBy
  const at = connectionRef(connection)
  return {
    ...found(connection, by),
    variant: 'broken-off',
    certainty: 'possible',
    weight: 46,
    because: [say('broken-off', { by, name: tls.serverName ?? 'none' }, at)],
    against: [say('no-alert', {}, at)],
    values: { from: by, to: otherSide(by), name: 'no reason' },
    group: `${connection.server.endpoint} broken ${by}`,
  }
}

function found(connection: ConnectionFacts, side: Side | 'unknown') {
  return {
    connections: [connection],
    severity: 'problem',
    culprit: side === 'unknown' ? { side } : { side, host: connection[side].address },
  } as const
}
