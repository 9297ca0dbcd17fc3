import type { TlsFacts } from '../evidence/application.ts'
import type { ConnectionFacts, Side } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { type Act, firstAct } from './bursts.ts'
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

import { weighConnects, weighed } from './weigh-experiments.ts'

const say = reasonsOf('tls-failure')

/** RFC 8446 §6.1: closure alerts are no failures. */
const CLOSURES = [0, 90] // close_notify, user_canceled
/** Alerts by which a side rejects the other's certificate: RFC 8446 §6.2. */
const CERTIFICATE = [42, 43, 44, 45, 46, 48, 49, 113, 115, 116]
const UNKNOWN_CA = 48 // the sender lacks the authority: mend its trust store, or the other's chain
/** As many handshakes broken off alike are a rule. */
const ALIKE = 2
/** One client that leaves a server which served so many others changed its mind, as load generators do when they end. */
const SERVED = 20

/** The TLS handshake failed: an alert says why, or one side speaks plain text, or it ends before it was finished. */
export const tlsFailure = {
  id: 'tls-failure',
  needs: ['payload', 'application', 'experiment'],
  refs: ['RFC 8446 §6', 'RFC 5246 §7.2'],
  confusedWith: ['accept-and-close', 'close-with-unread-data', 'injected-reset'],
  specialises: ['accept-and-close', 'close-with-unread-data', 'data-after-close', 'linger-zero'],
  judge: (evidence) =>
    weighed(judge(evidence), evidence, ({ variant }, endpoint) =>
      weighConnects('tls-failure', endpoint, evidence, ({ outcome, secured }) => {
        if (outcome === 'tls-failed') return variant === 'certificate' ? 'supports' : 'confirms'
        // It takes any certificate: that clients refuse one is not contradicted.
        return outcome === 'served' && secured && variant !== 'certificate' ? 'contradicts' : null
      }),
    ),
} as const satisfies Cause

function judge(evidence: Evidence): Judgement {
  const verdicts: Verdict[] = []
  const broken: { connection: ConnectionFacts; tls: TlsFacts; act: Act }[] = []
  for (const connection of evidence.connections) {
    const tls = evidence.application.get(connection.id)?.tls
    if (tls == null) continue
    const verdict = byAlert(connection, tls) ?? byPlainText(connection, tls)
    const act = verdict === null ? breakOff(connection, tls) : null
    if (verdict !== null) verdicts.push(verdict)
    if (act !== null) broken.push({ connection, tls, act })
  }
  for (const one of broken) {
    const alike = broken.filter(
      (b) =>
        b.act.side === one.act.side &&
        b.connection.server.endpoint === one.connection.server.endpoint,
    ).length
    const verdict = brokenOff(one.connection, one.tls, one.act.side, alike)
    const served = evidence.endpoints.get(one.connection.server.endpoint)?.served ?? 0
    const lone = one.act.side === 'client' && alike === 1 && served >= SERVED
    verdicts.push(lone ? { ...verdict, severity: 'notice' } : verdict)
  }
  return { verdicts }
}

function byAlert(connection: ConnectionFacts, tls: TlsFacts): Verdict | null {
  const alert = tls.alert
  if (alert === null || CLOSURES.includes(alert.description)) return null
  if (afterClose(connection, alert)) return null
  const { from, name, description } = alert
  const certificate = CERTIFICATE.includes(description)
  const at = atFrame(alert.frame, connection)
  const because: Reason[] = [say('alert', { from, name, description }, at)]
  if (tls.handshakeFinished === false) because.push(say('unfinished', {}, at))
  const against = tls.handshakeFinished === true ? [say('finished', {}, at)] : []
  return {
    ...found(
      connection,
      !certificate ? 'unknown' : description === UNKNOWN_CA ? from : otherSide(from),
    ),
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
    ...found(connection, 'client'), // it chose the port and the scheme
    variant: 'plain-text',
    certainty: 'likely',
    weight: 88,
    because: [say('plain-text', { from }, atFrame(frame, connection))],
    against: [],
    values: { from, to: otherSide(from), name: 'plain text' },
    group: `${connection.server.endpoint} plain ${from}`,
  }
}

/** A complaint about the other side's close is no reason for it. */
function afterClose(connection: ConnectionFacts, alert: NonNullable<TlsFacts['alert']>): boolean {
  const fin = connection.sides[otherSide(alert.from)].fin
  return fin !== null && fin.frame < alert.frame
}

/** ClientHello, then somebody ends it without a word why. */
function breakOff(connection: ConnectionFacts, tls: TlsFacts): Act | null {
  if (!tls.clientHello || tls.handshakeFinished !== false) return null
  if (tls.alert !== null && !afterClose(connection, tls.alert)) return null
  const act = firstAct(connection)
  return act === null || connection.resets.some((r) => r.ttlUnusual) ? null : act
}

/** Filters on the server name and crashes end a handshake like this too; a rule of one side does it every time. */
function brokenOff(connection: ConnectionFacts, tls: TlsFacts, by: Side, alike: number): Verdict {
  const rule = by === 'server' && alike >= ALIKE // scanners and probes are clients that leave like this on purpose
  const at = connectionRef(connection)
  const because: Reason[] = [say('broken-off', { by, name: tls.serverName ?? 'none' }, at)]
  if (alike >= ALIKE) because.push(say('alike', { alike }, at))
  return {
    ...found(connection, by),
    variant: 'broken-off',
    certainty: rule ? 'likely' : 'possible',
    weight: rule ? 70 : 46,
    because,
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
