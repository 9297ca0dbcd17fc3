import { groupBy } from '../base/group-by.ts'
import type { ConnectionFacts, ResetFacts, Segment } from '../evidence/connection.ts'
import type { EndpointFacts, Evidence, SegmentFate } from '../evidence/evidence.ts'
import {
  atFrame,
  type Cause,
  type Certainty,
  connectionRef,
  type Exclusion,
  frameOf,
  type Judgement,
  type Reason,
  reasonsOf,
  type Unknown,
  type Verdict,
} from './cause.ts'
import { endedTogether, knownServerDefault, middleboxDefaults } from './closing.ts'
import { type Death, deathOf } from './death-after-silence.ts'
import { idleExperiments } from './experiments.ts'
import { type SaidByExperiments, saidByExperiments } from './forgotten-by-experiment.ts'
import { judgeUnguarded } from './machine/middlebox-idle-timeout.ts'
import { foreignTtl, isProvenOfBox, provenFates, servesOthers } from './where.ts'

const say = reasonsOf('middlebox-idle-timeout')

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
    let isTold = false
    for (const death of group) {
      const verdict = judgeDeath(death, interval, evidence)
      const tried = triedOf(death, evidence)
      if (verdict !== null) verdicts.push(verdict)
      else if (tried.excludes) {
        // Once, not for each of its connections.
        if (!isTold) against.push(...tried.against)
        isTold = true
      } else if (interval.survivedMs > death.silenceMs)
        against.push(survivedLonger(death, interval))
      if (verdict?.certainty === 'possible') doubtful.push(death)
    }
  }
  const excluded: Exclusion | null =
    verdicts.length === 0 && against.length > 0 ? { because: against.slice(0, 3) } : null
  return {
    verdicts,
    ...(excluded === null ? {} : { excluded }),
    ...(doubtful.length === 0 ? {} : { unknown: unknownOf(doubtful, evidence) }),
  }
}

function byPath(deaths: readonly Death[]): Death[][] {
  return [...groupBy(deaths, ({ connection }) => connection.server.endpoint).values()]
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

/** What experiments say of it. */
function triedOf(death: Death, evidence: Evidence): SaidByExperiments {
  const { connection, silenceMs, variant, reset } = death
  const { client, server } = connection
  const path = evidence.paths.get(`${client.address} ${server.address}`)
  const sameTtl = reset !== null && !reset.ttlUnusual && reset.ttl > 0 && reset.ttlUsual !== null
  const survivedMs = path?.survivedSilenceMs ?? 0
  const flavour = variant === 'drop' ? 'silent' : 'reset'
  return saidByExperiments({ connection, silenceMs, flavour, sameTtl, survivedMs }, evidence)
}

function judgeDeath(death: Death, interval: Interval, evidence: Evidence): Verdict | null {
  const proof = proofOf(death, isSharp(interval), evidence)
  const tried = triedOf(death, evidence)
  const ttl = death.reset !== null && isForeign(death.reset, death.connection, evidence)
  const decided = proof !== null || ttl || death.variant === 'nat-state-lost'
  // A longer silence that survived on the same path leaves nothing of a limit, unless the reset itself betrays another sender.
  if (!decided && (interval.survivedMs > death.silenceMs || tried.excludes)) return null
  const known = { proof: proof !== null, ttl, evidence }
  const momentary = tried.limit === null && interval.oneMoment && death.variant === 'reset'
  const seen = momentary ? 'possible' : certaintyOf(death, interval, known)
  const certainty = tried.agrees ? raised(seen, isSharp(interval)) : seen
  const { connection } = death
  return {
    connections: [connection],
    variant: death.variant,
    certainty,
    severity: 'problem',
    weight: weightOf(death, certainty, ttl),
    culprit: { side: 'middlebox' },
    because: [...becauseOf(death, interval, proof, evidence), ...tried.because],
    against: [
      ...againstOf(death, interval, evidence),
      ...(momentary ? [oneMomentOf(death, interval)] : []),
      ...tried.against,
    ],
    values: { died: interval.diedMs, survived: interval.survivedMs },
    experiment: { silenceMs: interval.diedMs },
    group: connection.server.endpoint,
  }
}

/** With an experiment that found the limit: a path that was lost at that very moment would have to be lost beside it. */
function raised(seen: Certainty, isSharp: boolean): Certainty {
  return seen === 'possible' && !isSharp ? 'likely' : 'confirmed'
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
  const kind = death.farewell === true ? 'fin' : 'data'
  return fates.find((f) => f.kind === kind && f.fate === 'lost' && f.frame >= death.frame) ?? null
}

function becauseOf(
  death: Death,
  interval: Interval,
  proof: SegmentFate | null,
  evidence: Evidence,
): Reason[] {
  const { connection, variant, silenceMs } = death
  const values = { silence: silenceMs, server: connection.server.endpoint }
  const key = variant === 'drop' ? dropKey(death) : (`silence-${variant}` as const)
  const because = [say(key, values, atFrame(death.frame, connection))]
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

function dropKey({ farewell, othersAnswered }: Death) {
  if (farewell === true) return othersAnswered === true ? 'silence-fin-only' : 'silence-fin'
  return othersAnswered === true ? 'silence-drop-only' : 'silence-drop'
}

function aboutProof(proof: SegmentFate, connection: ConnectionFacts, evidence: Evidence): Reason {
  const at = atFrame(proof.frame, connection)
  if (proof.renamed !== undefined) return say('proof-renamed', { now: proof.renamed }, at)
  const inBox = isProvenOfBox(connection, evidence)
  const what = proof.kind === 'reset' || proof.kind === 'fin' ? proof.kind : 'data'
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
    const known = knownServerDefault(death.silenceMs, [connection], evidence)
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

function unknownOf(deaths: readonly Death[], evidence: Evidence): Unknown {
  const { address, endpoint } = deaths[0]!.connection.server
  const isTried = idleExperiments(evidence, endpoint).length > 0
  return {
    missing: [
      `a capture on ${address}: whether the reset was sent there and whether the request arrived`,
      ...(isTried ? [] : ['the idle limit by experiment, through the middlebox and directly']),
    ],
    ask: 'tcpwhy analyze --at client=client.pcap --at server=server.pcap',
  }
}
