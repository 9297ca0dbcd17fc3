import type { ConnectionFacts, ResetFacts, Side } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import {
  type Cause,
  connectionRef,
  type Exclusion,
  frameOf,
  type Judgement,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { dataAfterReset, roundTripMs } from './closing.ts'
import { weighConnects, weighed } from './weigh-experiments.ts'
import { captureSide, isProvenOfBox, provenFates, ttlOfDataOnly, usualTtls } from './where.ts'

const say = reasonsOf('injected-reset')

/** After a longer silence a middlebox that forgot the connection is the better explanation. */
const IDLE_MS = 10_000

/** A reset that its alleged sender did not send: a device on the path forged it. */
export const injectedReset = {
  id: 'injected-reset',
  needs: ['packets', 'both-sides', 'experiment'],
  refs: ['RFC 5961 §3', 'RFC 3360', 'Weaver, Sommer, Paxson: Detecting Forged TCP Reset Packets'],
  confusedWith: ['firewall-reject', 'middlebox-idle-timeout', 'wrong-host'],
  judge: (evidence) =>
    weighed(judge(evidence), evidence, (_, endpoint) =>
      weighConnects('injected-reset', endpoint, evidence, ({ outcome }) => {
        if (outcome === 'reset-unserved' || outcome === 'reset-in-handshake') return 'supports'
        return outcome === 'served' ? 'contradicts' : null
      }),
    ),
} as const satisfies Cause

function judge(evidence: Evidence): Judgement {
  const verdicts: Verdict[] = []
  for (const connection of evidence.connections) {
    if (connection.resets.length === 0 || connection.ending === 'refused') continue
    if (connection.handshake.answeredByAckFrame !== null) continue // the client's RST is for an older connection
    const verdict = judgeOne(connection, evidence)
    if (verdict !== null) verdicts.push(verdict)
  }
  const sent = verdicts.length === 0 ? provenSent(evidence) : null
  if (sent !== null) return { verdicts, excluded: sent }
  const unsure = verdicts.some((v) => v.certainty === 'possible')
  if (!unsure) return { verdicts }
  return {
    verdicts,
    unknown: {
      missing: ['whether the alleged sender sent the reset: a capture at its end'],
      ask: 'tcpwhy analyze --at client=client.pcap --at server=server.pcap',
    },
  }
}

/** Two captures show every reset leave the side that it names. */
function provenSent(evidence: Evidence): Exclusion | null {
  for (const connection of evidence.connections) {
    const reset = connection.resets[0]
    if (reset === undefined) continue
    if (fateOf(connection, evidence, reset.from)?.fate !== 'delivered') continue
    return { because: [say('was-sent', { side: reset.from }, frameOf(reset, connection))] }
  }
  return null
}

function fateOf(connection: ConnectionFacts, evidence: Evidence, from: Side) {
  return provenFates(connection, evidence).find((f) => f.kind === 'reset' && f.from === from)
}

function judgeOne(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  for (const reset of connection.resets) {
    if (wasGone(connection, reset)) continue
    const proof = fateOf(connection, evidence, reset.from)?.fate
    if (proof === 'delivered') continue
    const verdict =
      proof === 'injected'
        ? proven(connection, reset, evidence)
        : bySigns(connection, reset, evidence)
    if (verdict === null) continue
    if (verdict.certainty === 'possible' && isHarmless(connection, reset)) continue
    return verdict
  }
  return null
}

/** Its receiver had reset the connection itself, too long before for the two to have crossed: there was nothing left to cut. */
function wasGone(connection: ConnectionFacts, reset: ResetFacts): boolean {
  const earliest = reset.tMs - 2 * roundTripMs(connection)
  return connection.resets.some(
    (r) => r.from !== reset.from && r.accepted !== false && r.tMs < earliest,
  )
}

/** Of a reset that the receiver rightly ignored, or that came when both had closed, a mere suspicion is not worth the reader's time. */
function isHarmless({ ending }: ConnectionFacts, { accepted }: ResetFacts): boolean {
  if (ending === 'reset-after-close') return true
  return accepted === false && ['clean', 'open', 'half-closed'].includes(ending)
}

/** The reset arrived and never left its sender. When its trigger did not arrive either, a reject rule explains more. */
function proven(
  connection: ConnectionFacts,
  reset: ResetFacts,
  evidence: Evidence,
): Verdict | null {
  const at = frameOf(reset, connection)
  const trigger = provenFates(connection, evidence).find((f) => f.frame === reset.trigger?.frame)
  const stopped = trigger?.fate === 'lost'
  const idle = reset.silenceBeforeMs >= IDLE_MS
  const byBox = isProvenOfBox(connection, evidence)
  const because = [
    say(byBox ? 'made-in-box' : 'never-sent', { side: reset.from }, at),
    ...signs(connection, reset, evidence).reasons,
  ]
  if (trigger?.fate === 'delivered') because.push(say('segment-passed', {}, at))
  const against: Reason[] = []
  if (stopped) against.push(say('segment-stopped', {}, at))
  if (idle) against.push(say('after-silence', { silence: reset.silenceBeforeMs }, at))
  return {
    ...found(connection, reset),
    certainty: 'confirmed',
    weight: stopped ? 70 : idle ? 72 : 95,
    because,
    against,
  }
}

function bySigns(
  connection: ConnectionFacts,
  reset: ResetFacts,
  evidence: Evidence,
): Verdict | null {
  const { reasons, strong } = signs(connection, reset, evidence)
  if (strong === 0) return null
  const idle = reset.silenceBeforeMs >= IDLE_MS
  const against: Reason[] = []
  const at = frameOf(reset, connection)
  if (idle) against.push(say('after-silence', { silence: reset.silenceBeforeMs }, at))
  if (reset.ttlUnusual && usualTtls(connection[reset.from].address, evidence).includes(reset.ttl)) {
    against.push(say('ttl-of-host', { ttl: reset.ttl }, at))
  }
  if (looksRejected(reset) && dataAfterReset(connection, reset) === null)
    against.push(say('like-a-rule', {}, at))
  const likely = strong >= 2 && against.length === 0
  return {
    ...found(connection, reset),
    certainty: likely ? 'likely' : 'possible',
    weight: likely ? 78 : 45 - (idle ? 10 : 0),
    because: reasons,
    against,
  }
}

/** The exact stateless reply to a segment is what reject rules and forgetful middleboxes send; forgers rarely do. */
function looksRejected(reset: ResetFacts): boolean {
  return reset.shape === 'stateless' && reset.trigger !== null && reset.seqOffset === 0
}

/** What marks a reset as a stranger's. A strong sign has no innocent explanation in the stack of the alleged sender. */
function signs(
  connection: ConnectionFacts,
  reset: ResetFacts,
  evidence: Evidence,
): { reasons: Reason[]; strong: number } {
  const reasons: Reason[] = []
  const at = frameOf(reset, connection)
  let strong = 0
  if (reset.ttlUnusual && reset.ttlUsual !== null && reset.ttl > 0) {
    strong++
    reasons.push(say('foreign-ttl', { ttl: reset.ttl, usual: reset.ttlUsual }, at))
  }
  const ofData = reset.ttlUnusual ? null : ttlOfDataOnly(connection, reset)
  if (ofData !== null) {
    strong++
    reasons.push(say('ttl-of-handshake', { ttl: reset.ttl, usual: ofData }, at))
  }
  if (reset.shape === 'active' && reset.timestampsKept === false && !isOwn(connection, reset)) {
    strong++
    reasons.push(say('no-timestamps', {}, at))
  }
  const later = dataAfterReset(connection, reset)
  if (later !== null) {
    strong++
    reasons.push(say('kept-talking', { len: later.len }, frameOf(later, connection)))
  }
  const volley = isReply(reset) ? [] : connection.resets.filter((r) => isVolley(r, reset))
  if (volley.length > 1) {
    strong++
    reasons.push(say('volley', { resets: volley.length }, connectionRef(connection)))
  }
  const rtt = connection.handshake.rttMs
  if (rtt !== null && tooFast(connection, reset, rtt, evidence)) {
    strong++
    reasons.push(say('too-fast', { after: reset.afterTriggerMs ?? 0, rtt }, at))
  }
  if (reset.ipIdFits === false && reset.ipId > 0 && reset.shape === 'active') {
    reasons.push(say('ip-id', { ipId: reset.ipId }, at))
    if (reasons.length > 1) strong++
  }
  if (reset.accepted === false && strong > 0) reasons.push(say('ignored', {}, at))
  return { reasons, strong }
}

/**
 * BSD, macOS and Windows leave timestamps out of their resets (4.4BSD tcp_output: not with TH_RST), and repeat the window that they
 * announced last, which no forger has to: with the usual TTL that is no stranger's.
 */
function isOwn(connection: ConnectionFacts, reset: ResetFacts): boolean {
  const { lastWindow } = connection.sides[reset.from]
  return !reset.ttlUnusual && reset.wnd > 0 && reset.wnd === lastWindow
}

/** Several resets at guessed sequence numbers within a moment: one stack sends one, or one a received segment. */
function isVolley(other: ResetFacts, reset: ResetFacts): boolean {
  if (other === reset) return true
  const near = other.from === reset.from && Math.abs(other.tMs - reset.tMs) < 50
  return near && other.seq !== reset.seq && !isReply(other)
}

function isReply(reset: ResetFacts): boolean {
  return reset.shape === 'stateless' && reset.trigger !== null
}

/** Taken at the client, a server's answer cannot come in less than half of the handshake's round trip. */
function tooFast(
  connection: ConnectionFacts,
  reset: ResetFacts,
  rttMs: number,
  evidence: Evidence,
): boolean {
  if (reset.from !== 'server' || reset.trigger === null || reset.afterTriggerMs === null) {
    return false
  }
  if (captureSide(connection, evidence) !== 'client' || rttMs < 2) return false
  return reset.afterTriggerMs < rttMs / 2
}

function found(connection: ConnectionFacts, reset: ResetFacts) {
  const dead = connection.ending.startsWith('reset') || connection.ending === 'handshake-reset'
  const harmful = dead && reset.accepted !== false
  return {
    connections: [connection],
    ...(harmful ? {} : { variant: 'ignored' }),
    severity: harmful ? 'problem' : 'notice',
    culprit: { side: 'middlebox' },
    values: { side: reset.from },
    group: connection.server.endpoint,
  } as const
}
