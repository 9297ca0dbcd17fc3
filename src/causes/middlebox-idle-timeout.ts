import type { ConnectionFacts, ResetFacts, Segment } from '../evidence/connection.ts'
import type { EndpointFacts, Evidence, SegmentFate } from '../evidence/evidence.ts'
import type { IdleExperiment } from '../evidence/experiments.ts'
import {
  atFrame,
  type Cause,
  type Certainty,
  connectionRef,
  type Exclusion,
  frameOf,
  type Judgement,
  otherSide,
  type Reason,
  reasonsOf,
  type Unknown,
  type Verdict,
} from './cause.ts'
import {
  endedTogether,
  knownServerDefault,
  lastActivityBefore,
  middleboxDefaults,
  softwareOf,
} from './closing.ts'
import { apartReasons, experimentRef, idleExperiments, isDistant } from './experiments.ts'
import { judgeUnguarded } from './machine/middlebox-idle-timeout.ts'
import { fatesOf, foreignTtl, isProvenOfBox, provenFates, servesOthers } from './where.ts'

const say = reasonsOf('middlebox-idle-timeout')

const MIN_SILENCE_MS = 2000 // below that no device forgets an established connection; our lab's smallest is 3 s
const ENOUGH = 3

/** Something between client and server forgets connections that carried nothing for a while. */
export const middleboxIdleTimeout = {
  id: 'middlebox-idle-timeout',
  needs: ['packets', 'both-sides', 'experiment'],
  refs: ['RFC 5382 §5', 'Linux net/netfilter/nf_conntrack_proto_tcp.c', 'RFC 9293 §3.8.4'],
  confusedWith: ['keep-alive-race', 'peer-restarted', 'injected-reset', 'path-lost'],
  judge,
  judgeMachine: judgeUnguarded,
} as const satisfies Cause

type Variant = 'reset' | 'drop' | 'nat-state-lost'

/** One connection that died at the first packet after a silence. */
interface Death {
  connection: ConnectionFacts
  variant: Variant
  silenceMs: number
  /** The segment that broke the silence, and the reset if there was one. */
  frame: number
  reset: ResetFacts | null
  /** The server answered other connections meanwhile (drop). */
  othersAnswered?: boolean
  /** The old connection whose numbers the stray one continues (nat-state-lost). */
  continues: ConnectionFacts | null
  /** The segment as it arrived at the server: its sender has another port there (nat-state-lost). */
  renamed?: SegmentFate
}

/** What all connections of a path say about the limit: longest silence that survived, shortest that died. */
interface Interval {
  deaths: readonly Death[]
  survivedMs: number
  survivedId: number | null
  diedMs: number
  /** One event can have ended them all, whatever their silence: alive before it, dead at their next packet, and nobody served since. */
  oneMoment: boolean
}

function judge(evidence: Evidence): Judgement {
  const deaths = evidence.connections.flatMap((c) => deathOf(c, evidence) ?? [])
  const verdicts: Verdict[] = []
  const against: Reason[] = []
  const doubtful: Death[] = []
  for (const group of byPath(deaths)) {
    const interval = intervalOf(group, evidence)
    for (const death of group) {
      const verdict = judgeDeath(death, interval, evidence)
      const contrary = contradiction(death, evidence)
      if (verdict !== null) verdicts.push(verdict)
      else if (contrary !== null) against.push(...againstExperiment(death, contrary, evidence))
      else if (interval.survivedMs > death.silenceMs) against.push(survivedLonger(death, interval))
      if (verdict?.certainty === 'possible') doubtful.push(death)
    }
  }
  const excluded: Exclusion | null =
    verdicts.length === 0 && against.length > 0 ? { because: against.slice(0, 3) } : null
  return {
    verdicts,
    ...(excluded === null ? {} : { excluded }),
    ...(doubtful.length === 0 ? {} : { unknown: unknownOf(doubtful) }),
  }
}

function deathOf(connection: ConnectionFacts, evidence: Evidence): Death | null {
  return (
    strayAfterNat(connection, evidence) ??
    renamedAfterSilence(connection, evidence) ??
    resetOnNext(connection) ??
    silentOnNext(connection, evidence)
  )
}

/** Silence, then data, then a stateless RST in the other side's name, which had sent neither FIN nor RST before. */
function resetOnNext(connection: ConnectionFacts): Death | null {
  const reset = connection.resets.find((r) => r.shape === 'stateless' && r.accepted !== false)
  const trigger = reset?.trigger ?? null
  if (reset === undefined || trigger === null || trigger.len === 0) return null
  const { fin, payloadOctets } = connection.sides[reset.from]
  if (fin !== null || connection.sides[trigger.from].fin !== null) return null
  if (payloadOctets === 0 && connection.sides[trigger.from].ackedOctets === 0) return null
  if (reset.silenceBeforeMs < MIN_SILENCE_MS) return null
  return {
    connection,
    variant: 'reset',
    silenceMs: reset.silenceBeforeMs,
    frame: trigger.frame,
    reset,
    continues: null,
  }
}

/** Silence, then the same data again and again without any answer, while the server answers others. */
function silentOnNext(connection: ConnectionFacts, evidence: Evidence): Death | null {
  if (connection.resets.some((r) => r.accepted === true) || connection.seen !== 'both') return null
  const who = (['client', 'server'] as const).find(
    (side) => connection.sides[side].unanswered?.what === 'data',
  )
  const unanswered = who === undefined ? null : connection.sides[who].unanswered
  if (who === undefined || unanswered === null || unanswered.times < 3) return null
  if (connection.sides[otherSide(who)].payloadOctets === 0) return null
  // It arrived all the same: no box on the way has forgotten it.
  const fates = fatesOf(connection, evidence)
  const seen = [unanswered.firstFrame, unanswered.lastFrame]
  if (fates.some((f) => f.fate === 'delivered' && seen.includes(f.frame))) return null
  const last = lastSegmentBefore(connection, unanswered.firstMs)
  const silenceMs = last === null ? 0 : unanswered.firstMs - last
  if (silenceMs < MIN_SILENCE_MS) return null
  return {
    connection,
    variant: 'drop',
    silenceMs,
    frame: unanswered.firstFrame,
    reset: null,
    continues: null,
    othersAnswered: othersAnswered(connection, evidence, unanswered.firstMs),
  }
}

function lastSegmentBefore(connection: ConnectionFacts, tMs: number): number | null {
  const times = [...connection.head, ...connection.tail].map((s) => s.tMs).filter((t) => t < tMs)
  const activity = lastActivityBefore(connection, tMs)
  if (activity !== null) times.push(activity)
  return times.length === 0 ? null : Math.max(...times)
}

function othersAnswered(connection: ConnectionFacts, evidence: Evidence, fromMs: number): boolean {
  const lastAnswer = evidence.endpoints.get(connection.server.endpoint)?.lastAnswerMs ?? null
  return lastAnswer !== null && lastAnswer > fromMs
}

/**
 * On the server's side of a NAT that lost its entry: data comes from another address or port, continues the numbers of an
 * old connection exactly, and is answered by RST.
 */
function strayAfterNat(connection: ConnectionFacts, evidence: Evidence): Death | null {
  const reset = connection.resets.find((r) => r.from === 'server' && r.shape === 'stateless')
  const data = reset?.trigger ?? null
  const base = connection.sides.client.seqBase ?? null
  if (connection.sawStart || reset === undefined || data === null || data.len === 0) return null
  if (base === null) return null
  const next = (base + data.seq) >>> 0
  const continues = evidence.connections.find(
    (old) =>
      old.id !== connection.id &&
      old.server.endpoint === connection.server.endpoint &&
      old.client.endpoint !== connection.client.endpoint &&
      old.sides.client.payloadOctets > 0 &&
      nextSeq(old) === next,
  )
  if (continues === undefined) return null
  const silenceMs = data.tMs - Math.max(continues.lastMs, 0)
  return { connection, variant: 'nat-state-lost', silenceMs, frame: data.frame, reset, continues }
}

/** Two captures: the segment that broke the silence reached the server from another port, and was answered there. */
function renamedAfterSilence(connection: ConnectionFacts, evidence: Evidence): Death | null {
  const fates = fatesOf(connection, evidence)
  const renamed = fates.find((f) => f.kind === 'data' && f.renamed !== undefined)
  const reset = connection.resets.find((r) => r.from === 'server' && r.shape === 'stateless')
  if (renamed === undefined || reset === undefined) return null
  return {
    connection,
    variant: 'nat-state-lost',
    silenceMs: reset.silenceBeforeMs,
    frame: renamed.frame,
    reset,
    continues: null,
    renamed,
  }
}

/** The absolute number of the octet the client would send next. */
function nextSeq(connection: ConnectionFacts): number | null {
  const { isn, seqBase, payloadOctets } = connection.sides.client
  const base = seqBase ?? isn
  return base === null ? null : (base + 1 + payloadOctets) >>> 0
}

function byPath(deaths: readonly Death[]): Death[][] {
  const groups = new Map<string, Death[]>()
  for (const death of deaths) {
    const group = groups.get(death.connection.server.endpoint)
    if (group === undefined) groups.set(death.connection.server.endpoint, [death])
    else group.push(death)
  }
  return [...groups.values()]
}

function intervalOf(deaths: readonly Death[], evidence: Evidence): Interval {
  const endpoint = evidence.endpoints.get(deaths[0]!.connection.server.endpoint)
  return {
    deaths,
    survivedMs: endpoint?.survivedSilenceMs ?? 0,
    survivedId: endpoint?.survivedSilenceId ?? null,
    diedMs: Math.min(...deaths.map((d) => d.silenceMs)),
    oneMoment: canBeOneMoment(deaths, endpoint),
  }
}

function canBeOneMoment(deaths: readonly Death[], endpoint: EndpointFacts | undefined): boolean {
  const shortest = Math.min(...deaths.map((d) => d.silenceMs))
  // A silence not much shorter that was survived is a second value.
  if ((endpoint?.survivedSilenceMs ?? 0) * 2 >= shortest) return false
  const ends = deaths.map(({ reset, connection }) => reset?.tMs ?? connection.lastMs)
  const known = deaths.map(({ silenceMs }, i) => ends[i]! - silenceMs)
  const first = Math.min(...ends)
  // The silence began at a packet: a moment between the last such and the first reset.
  return Math.max(...known) <= first && (endpoint?.lastAnswerMs ?? 0) <= first
}

function oneMomentOf(death: Death, { deaths }: Interval): Reason {
  const silences = deaths.map((d) => d.silenceMs)
  const values = { count: deaths.length, from: Math.min(...silences), to: Math.max(...silences) }
  return say('one-moment', values, atFrame(death.frame, death.connection))
}

/** An experiment whose connections to this server survived a longer silence. */
function contradiction({ connection, silenceMs }: Death, evidence: Evidence) {
  const found = idleExperiments(evidence, connection.server.endpoint)
  return found.find(({ fromMs }) => fromMs > silenceMs) ?? null
}

/** An experiment that found this limit: not the server's own, dying the same way, and not after a longer silence than here. */
function agreement({ connection, silenceMs, variant }: Death, evidence: Evidence) {
  const flavours = { drop: 'silent', reset: 'reset', 'nat-state-lost': 'reset' } as const
  const found = idleExperiments(evidence, connection.server.endpoint)
  return (
    found.find(({ fromMs, toMs, flavour, by }) => {
      const hasDied = toMs !== null && fromMs < silenceMs
      return hasDied && flavour === flavours[variant] && by !== 'server'
    }) ?? null
  )
}

function againstExperiment(death: Death, experiment: IdleExperiment, evidence: Evidence): Reason[] {
  const values = { survived: experiment.fromMs, silence: death.silenceMs }
  const contradicted = say('experiment-survived', values, experimentRef(experiment))
  return [contradicted, ...apartReasons('middlebox-idle-timeout', experiment, evidence)]
}

function judgeDeath(death: Death, interval: Interval, evidence: Evidence): Verdict | null {
  const proof = proofOf(death, isSharp(interval), evidence)
  const experiment = agreement(death, evidence)
  const contrary = contradiction(death, evidence)
  const ttl = death.reset !== null && isForeign(death.reset, death.connection, evidence)
  const decided = proof !== null || ttl || death.variant === 'nat-state-lost'
  // A longer silence that survived on the same path leaves nothing of a limit, unless the reset itself betrays another sender.
  const isExcluded = contrary !== null && !isDistant(contrary, evidence)
  if (!decided && (interval.survivedMs > death.silenceMs || isExcluded)) return null
  const agrees = experiment !== null && !isDistant(experiment, evidence)
  const known = { proof: proof !== null || agrees, ttl, evidence }
  const momentary = experiment === null && interval.oneMoment && death.variant === 'reset'
  const certainty = momentary ? 'possible' : certaintyOf(death, interval, known)
  const { connection } = death
  return {
    connections: [connection],
    variant: death.variant,
    certainty,
    severity: 'problem',
    weight: weightOf(death, certainty, ttl),
    culprit: { side: 'middlebox' },
    because: [...becauseOf(death, interval, proof, evidence), ...aboutExperiment(experiment)],
    against: [
      ...againstOf(death, interval, evidence),
      ...(momentary ? [oneMomentOf(death, interval)] : []),
      ...(contrary === null ? [] : againstExperiment(death, contrary, evidence)),
      ...(experiment === null ? [] : apartReasons('middlebox-idle-timeout', experiment, evidence)),
    ],
    values: { died: interval.diedMs, survived: interval.survivedMs },
    experiment: { silenceMs: interval.diedMs },
    group: connection.server.endpoint,
  }
}

function aboutExperiment(experiment: IdleExperiment | null): Reason[] {
  if (experiment === null) return []
  const { fromMs, toMs } = experiment
  return [say('experiment-agrees', { from: fromMs, to: toMs ?? fromMs }, experimentRef(experiment))]
}

function certaintyOf(
  death: Death,
  interval: Interval,
  known: { proof: boolean; ttl: boolean; evidence: Evidence },
): Certainty {
  if (known.proof) return 'confirmed'
  if (known.ttl || death.variant === 'nat-state-lost') return 'likely'
  // Not the connection's TTL, but that of others of this address: another machine answered (wrong-host).
  if (death.reset?.ttlUnusual === true) return 'possible'
  const sharp = isSharp(interval)
  const many = interval.deaths.length >= ENOUGH && !isRestart(death, known.evidence)
  if (death.variant === 'drop') {
    return death.othersAnswered === true && (sharp || many) ? 'likely' : 'possible'
  }
  // Without another TTL a RST after a silence is as well a restarted server's: only a threshold on many tells.
  return sharp && many ? 'likely' : 'possible'
}

function isSharp(interval: Interval): boolean {
  return interval.survivedMs > 0 && interval.survivedMs < interval.diedMs
}

/** Old connections that all fail at their first packet after one moment, whatever their silence: the server lost its state. */
function isRestart(death: Death, evidence: Evidence): boolean {
  return endedTogether(evidence, death.connection, 'server') >= ENOUGH
}

function weightOf(death: Death, certainty: Certainty, ttl: boolean): number {
  if (certainty === 'confirmed') return 92
  if (death.variant === 'nat-state-lost') return 90
  if (certainty === 'likely') return ttl ? 82 : 72
  return death.variant === 'drop' ? 55 : 45
}

/** Two captures together: the reset was never sent by the server, or the data never arrived there. */
function proofOf(death: Death, sharp: boolean, evidence: Evidence): SegmentFate | null {
  if (death.renamed !== undefined) return death.renamed
  const fates = provenFates(death.connection, evidence)
  if (death.variant === 'reset') {
    // Another machine under the address sends no reset of the captured one's either.
    const { reset } = death
    if (reset !== null && servesOthers(reset.ttl, death.connection, evidence)) return null
    // Not one in the other end's name: that may be the end's own, sent to an address that a NAT should have changed.
    const from = reset?.from
    return fates.find((f) => f.kind === 'reset' && f.fate === 'injected' && f.from === from) ?? null
  }
  // Data that never arrived proves a forgetful device only where the path as such is known to work.
  if (death.variant !== 'drop' || !(death.othersAnswered === true || sharp)) return null
  return fates.find((f) => f.kind === 'data' && f.fate === 'lost' && f.frame >= death.frame) ?? null
}

function becauseOf(
  death: Death,
  interval: Interval,
  proof: SegmentFate | null,
  evidence: Evidence,
): Reason[] {
  const { connection, variant, silenceMs } = death
  const key = variant === 'drop' && death.othersAnswered === true ? 'silence-drop-only' : null
  const values = { silence: silenceMs, server: connection.server.endpoint }
  const because = [say(key ?? `silence-${variant}`, values, atFrame(death.frame, connection))]
  if (proof !== null) because.push(aboutProof(proof, connection, evidence))
  if (death.continues !== null) {
    const old = death.continues.client.endpoint
    because.push(
      say('continues', { old, now: connection.client.endpoint }, connectionRef(death.continues)),
    )
  }
  if (death.reset !== null) because.push(...aboutReset(death.reset, connection, evidence))
  because.push(...aboutInterval(death, interval))
  return because
}

function aboutProof(proof: SegmentFate, connection: ConnectionFacts, evidence: Evidence): Reason {
  const at = atFrame(proof.frame, connection)
  if (proof.renamed !== undefined) return say('proof-renamed', { now: proof.renamed }, at)
  const inBox = isProvenOfBox(connection, evidence)
  const what = proof.kind === 'reset' ? 'reset' : 'data'
  return say(inBox ? `box-${what}` : `proof-${what}`, {}, at)
}

function aboutReset(reset: ResetFacts, connection: ConnectionFacts, evidence: Evidence): Reason[] {
  const ref = frameOf(reset as Segment, connection)
  const reasons: Reason[] = []
  if (isForeign(reset, connection, evidence))
    reasons.push(say('other-ttl', { ttl: reset.ttl, usual: reset.ttlUsual ?? 0 }, ref))
  reasons.push(say('no-fin', { who: reset.from }, ref))
  return reasons
}

/** A TTL that no other packet of that address has: what others of it have is another machine's, or another way. */
function isForeign(reset: ResetFacts, connection: ConnectionFacts, evidence: Evidence): boolean {
  return reset.ttlUnusual && foreignTtl(reset.ttl, connection, reset.from, evidence) === true
}

function aboutInterval(death: Death, interval: Interval): Reason[] {
  const reasons: Reason[] = []
  const { survivedMs, diedMs, deaths, survivedId } = interval
  const ref = connectionRef(death.connection)
  if (survivedMs > 0 && survivedMs < diedMs) {
    const at = survivedId === null ? ref : { kind: 'connection' as const, connection: survivedId }
    reasons.push(say('interval', { survived: survivedMs, died: diedMs }, at))
  }
  if (deaths.length >= 2) reasons.push(say('several', { count: deaths.length, died: diedMs }, ref))
  const known = middleboxDefaults.find((d) => {
    const limit = d.s * 1000
    return limit > survivedMs && limit <= diedMs && diedMs < limit * 1.5
  })
  if (known !== undefined) reasons.push(say('default', { s: known.s, who: known.who }, ref))
  return reasons
}

function againstOf(death: Death, interval: Interval, evidence: Evidence): Reason[] {
  const { connection, reset } = death
  const against: Reason[] = []
  if (death.variant !== 'nat-state-lost' && interval.survivedMs > death.silenceMs) {
    against.push(survivedLonger(death, interval))
  }
  if (reset !== null && !reset.ttlUnusual && death.variant === 'reset') {
    const key = reset.ttl > 0 && reset.ttlUsual !== null ? 'same-ttl' : 'ttl-unknown'
    against.push(say(key, { ttl: reset.ttl }, frameOf(reset as Segment, connection)))
    const known = knownServerDefault(death.silenceMs, softwareOf(connection, evidence))
    if (known !== null) {
      against.push(say('server-default', { s: known.s, who: known.who }, connectionRef(connection)))
    }
  }
  if (death.variant === 'drop' && death.othersAnswered !== true) {
    against.push(say('others-not-seen', {}, connectionRef(connection)))
  }
  if (isRestart(death, evidence)) against.push(say('together', {}, connectionRef(connection)))
  return against
}

function survivedLonger(death: Death, interval: Interval): Reason {
  const at =
    interval.survivedId === null
      ? connectionRef(death.connection)
      : { kind: 'connection' as const, connection: interval.survivedId }
  return say('survived-longer', { survived: interval.survivedMs, silence: death.silenceMs }, at)
}

function unknownOf(deaths: readonly Death[]): Unknown {
  const { address } = deaths[0]!.connection.server
  return {
    missing: [
      `a capture on ${address}: whether the reset was sent there and whether the request arrived`,
      'the idle limit by experiment, through the middlebox and directly',
    ],
    ask: 'tcpwhy analyze --at client=client.pcap --at server=server.pcap',
  }
}
