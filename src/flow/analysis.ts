import type { AddressBook } from '../base/addresses.ts'
import type { Packet } from '../packet/packet.ts'
import type { EndpointTotals } from './aggregates.ts'
import { BothSidesHint } from './both-sides.ts'
import { connectionFacts } from './connection-facts.ts'
import type { Core } from './core/core.ts'
import { CorePath } from './core/path.ts'
import { type Ended, endingOf } from './ending.ts'
import type { ConnectionFacts, Ending } from './facts.ts'
import * as L from './layout.ts'
import type { Rows } from './rows.ts'
import { aggregate, printed, type Totals } from './totals.ts'
import { type Collector, FlowTracker } from './tracker.ts'
import { isShortExchange, isTroubled, mayHaveLeft } from './trouble.ts'
import { UnusualAnswers } from './unusual-answers.ts'

/** Rows of troubled connections kept to the end; beyond, each group (server, ending, by whom) keeps this many. */
const KEPT_MAX = 16_384
const KEPT_PER_GROUP = 256
/** Connections that are turned into facts for the causes; larger groups are sampled evenly and weighted. */
const FACTS_MAX = 4_096
const EMBRYOS_PER_GROUP = 64
const GLUED_NS = 86_400e9
/** Quiet witnesses of each server: many where they may speak (payload was captured), a few where only their shape tells. */
const WATCHED_PER_ENDPOINT = 512
const WATCHED_MUTE = 16
const WATCHED_MAX = 4_096

/** When an unusual one was met, so many of the next are looked at. */
const LOOK_CLOSELY = 64
/** An open connection that was silent this long when the capture ended may be one that something forgot. */
const QUIET_NS = 3e9

export interface FlowOptions {
  addresses: AddressBook
  /** Does what it can of the work; without it all is done here, and the result is the same. */
  core?: Core | null
  /** Every short answer is looked at, also where the core could finish its connection alone. */
  allAnswers?: boolean
  /** Called for every connection as it is finished, clean ones included (`--all`, `--export`). */
  onConnection?: (facts: ConnectionFacts) => void
}

export interface FlowResult extends Totals {
  /** Troubled connections in order of their first frame, at most 4,096, `weight` says how many each stands for. */
  connections: ConnectionFacts[]
  troubled: number
  totals: { connections: number; byEnding: Record<string, number>; packets: number }
  /** At least one connection of which both directions were seen. */
  bothDirections: boolean
  /** Some connections seem to be there twice, before and after a translation of their addresses. */
  bothSides: boolean
  /** Unusual short answers were met, and not every connection was looked at: there may be more of them. */
  answersSampled: boolean
  duplicates: number
  /** SYNs that were only counted, because millions of half-open connections were followed already. */
  unfollowed: number
  icmpUnmatched: number
}

interface Group {
  rows: number[]
  ended: Ended[]
  seen: number
}

/** Segments in, facts out: the whole of tier 1 and the choice of what goes on to tier 2. */
export class FlowAnalysis implements Collector {
  readonly tracker: FlowTracker
  private lastEnding: Ending = 'open'
  private lastEndedT = 0
  private readonly addresses: AddressBook
  private readonly onConnection: ((facts: ConnectionFacts) => void) | undefined
  private readonly groups = new Map<string, Group>()
  private readonly watched: Group = { rows: [], ended: [], seen: 0 }
  private readonly unusual = new UnusualAnswers()
  private looks = 0
  private readonly allAnswers: boolean
  private kept = 0
  private troubled = 0
  private bothDirections = false
  private readonly bothSides = new BothSidesHint()
  /** The core has finished some by itself. */
  private finishedUnseen = false
  private total = 0
  private readonly byEnding: Record<string, number> = {}
  private lastT = Number.NEGATIVE_INFINITY
  private readonly core: Core | null
  private readonly corePath: CorePath | null
  /** Where time jumped by more than a day: files glued together, or a broken time, not a quiet network. */
  private readonly partEnds: number[] = []
  private readonly embryoGroups = new Map<string, { weight: number; facts: ConnectionFacts[] }>()

  constructor(options: FlowOptions) {
    this.addresses = options.addresses
    this.onConnection = options.onConnection
    this.core = options.core ?? null
    this.allAnswers = options.allAnswers ?? false
    this.tracker = new FlowTracker(() => this, this.core)
    // Who wants every connection gets each from here, when it ends.
    const alone = this.core === null || this.onConnection !== undefined
    this.corePath = alone ? null : new CorePath(this.core!)
  }

  segment(p: Packet): void {
    const t = p.tNs
    if (this.core !== null) {
      this.lastT = this.core.latestT
      this.core.lastT = t
    }
    if (t > this.lastT || this.lastT - t > GLUED_NS) {
      if (this.tracker.segments > 0 && Math.abs(t - this.lastT) > GLUED_NS) {
        this.partEnds.push(this.lastT)
      }
      this.lastT = t
      if (this.core !== null) this.core.latestT = t
    }
    this.tracker.segment(p)
  }

  /** The core has closed a connection, and expired rows are left. */
  expire(p: Packet): void {
    this.lastT = this.core!.latestT
    this.tracker.expire(p, this.core!.budget)
  }

  /** A segment that the core has taken in, and whose connection may be over. */
  settle(p: Packet): void {
    this.lastT = this.core!.latestT
    this.tracker.settle(p)
  }

  /** Payload was captured, told after each batch: more witnesses are worth their place, and a look at what the core would finish alone. */
  sawPayload(): void {
    this.witnesses = WATCHED_PER_ENDPOINT
    this.corePath?.wantWitnesses()
  }

  /** Takes over what the core has counted since it was asked last. */
  catchUp(): { segments: number; payloadFrames: number } {
    const taken = this.core!.taken()
    this.lastT = this.core!.latestT
    this.tracker.lastT = this.core!.lastT
    this.tracker.segments += taken.segments
    this.tracker.duplicates += taken.duplicates
    return taken
  }

  icmpError(p: Packet): void {
    this.tracker.icmpError(p, this.addresses.format(p.icmpFrom, p.icmpFromFamily))
  }

  get lastEnded(): ConnectionFacts['previous'] {
    this.flush()
    return { ending: this.lastEnding, lastMs: this.lastEndedT / 1e6 }
  }

  finished(row: number, rows: Rows): boolean {
    this.flush()
    const ends = this.conclude(row, rows)
    this.bothSides.look(rows)
    // The first ones are all looked at here.
    if (!this.bothSides.wantsAll)
      this.corePath?.offer(rows, this.tracker.aggregates, ends.endpoint, {
        short: this.hasEnough(ends.endpoint?.watched) && this.looks <= 0 && !this.allAnswers,
        answers: this.hasEnough(ends.endpoint?.watchedAnswers),
      })
    return ends.kept
  }

  private witnesses = WATCHED_MUTE

  private hasEnough(watched = 0): boolean {
    return watched >= this.witnesses || this.watched.rows.length >= WATCHED_MAX
  }

  /** Connections that the core has finished since. */
  private flush(): void {
    if (this.corePath === null) return
    const { connections, lastEndedT } = this.corePath.flush()
    if (connections === 0) return
    this.finishedUnseen = true
    this.bothDirections = true
    this.lastEnding = 'clean'
    this.lastEndedT = lastEndedT
    this.count('clean', connections)
  }

  private conclude(row: number, rows: Rows): { kept: boolean; endpoint: EndpointTotals | null } {
    const { tracker } = this
    const icmp = tracker.icmp.size === 0 ? undefined : tracker.icmp.get(row)
    const ended = endingOf(rows, tracker.aggregates, icmp)
    const { ints, floats, at } = rows
    this.bothDirections ||= seenBothWays(rows)
    this.lastEnding = ended.ending
    this.lastEndedT = floats[(at + L.R_LAST_T) >> 1]!
    this.count(ended.ending)
    const endpoint = aggregate(rows, tracker.aggregates, ended.ending)
    if (this.onConnection !== undefined) this.onConnection(this.facts(row, ended, 1))
    if (!isTroubled(rows, ended.ending, this.tracker.lastT)) {
      return { kept: this.watch(row, rows, ended, endpoint), endpoint }
    }
    this.troubled++
    const key = `${ints[at + L.R_SERVER]} ${ints[at + L.R_PORTS]! & 0xffff} ${ended.ending} ${ended.by}`
    const group = this.groups.get(key) ?? { rows: [], ended: [], seen: 0 }
    this.groups.set(key, group)
    group.seen++
    if (this.kept >= KEPT_MAX && group.rows.length >= KEPT_PER_GROUP)
      return { kept: false, endpoint }
    this.kept++
    group.rows.push(row)
    group.ended.push(ended)
    return { kept: true, endpoint }
  }

  /**
   * Quiet witnesses, a few of each server: a clean connection of one short exchange may hold a refusal in words ("Too
   * many connections", a TLS alert); one that its server closed, or its client some time
   * after it had asked, may hold half of an answer; one that is open and silent at
   * the end may be an open transaction, or forgotten.
   */
  private watch(row: number, rows: Rows, ended: Ended, endpoint: EndpointTotals | null): boolean {
    if (endpoint === null || this.watched.rows.length >= WATCHED_MAX) return false
    const quiet = this.tracker.lastT - rows.floats[(rows.at + L.R_LAST_T) >> 1]! > QUIET_NS
    if (ended.ending === 'open' ? quiet : isShortExchange(rows)) {
      const enough = endpoint.watched >= this.witnesses
      if (ended.ending !== 'open' && this.witnesses === WATCHED_PER_ENDPOINT) {
        this.looks--
        const found = this.unusual.meet(row, rows, ended, enough)
        if (found !== 'usual') {
          if (this.unusual.hasRoom) this.looks = LOOK_CLOSELY
          return found === 'keep'
        }
      }
      if (enough) return false
      endpoint.watched++
    } else if (ended.ending === 'clean' && endedInAnswer(rows, ended)) {
      if (endpoint.watchedAnswers >= this.witnesses) return false
      endpoint.watchedAnswers++
    } else return false
    this.watched.rows.push(row)
    this.watched.ended.push(ended)
    this.watched.seen++
    return true
  }

  /** Told early: some connections seem to be there twice. */
  get holdsBothSides(): boolean {
    return this.bothSides.found
  }

  /** The capture is over. Call once. */
  finish(): FlowResult {
    this.tracker.finish()
    this.flush()
    const connections = this.embryoFacts()
    const share = Math.min(1, FACTS_MAX / Math.max(1, this.kept))
    for (const group of this.groups.values()) connections.push(...this.groupFacts(group, share))
    connections.push(...this.groupFacts(this.watched, 1))
    for (const group of this.unusual.groups()) connections.push(...this.groupFacts(group, 1))
    connections.sort((a, b) => a.id - b.id)
    return {
      connections,
      troubled: this.troubled,
      ...printed(this.tracker.aggregates, this.addresses),
      totals: {
        connections: this.total,
        byEnding: this.byEnding,
        packets: this.tracker.segments,
      },
      bothDirections: this.bothDirections,
      bothSides: this.bothSides.found,
      answersSampled: this.finishedUnseen && !this.allAnswers && this.unusual.any,
      duplicates: this.tracker.duplicates,
      unfollowed: this.tracker.unfollowed,
      icmpUnmatched: this.tracker.icmpUnmatched,
    }
  }

  private count(ending: Ending, connections = 1): void {
    this.total += connections
    this.byEnding[ending] = (this.byEnding[ending] ?? 0) + connections
  }

  private facts(row: number, ended: Ended, weight: number): ConnectionFacts {
    const { tracker } = this
    tracker.rows.open(row)
    return connectionFacts({
      rows: tracker.rows,
      addresses: this.addresses,
      resets: tracker.resets.get(row) ?? [],
      icmp: tracker.icmp.get(row) ?? [],
      previous: tracker.previous.get(row) ?? null,
      ended,
      captureEndMs: this.watchedUntil() / 1e6,
      weight,
    })
  }

  /** The end of the part of the capture that the open row's connection is in. */
  private watchedUntil(): number {
    if (this.partEnds.length === 0) return this.lastT
    const { floats, at } = this.tracker.rows
    const last = floats[(at + L.R_LAST_T) >> 1]!
    return this.partEnds.reduce(
      (least, end) => (end >= last && (end < least || least < last) ? end : least),
      this.lastT,
    )
  }

  private groupFacts(group: Group, share: number): ConnectionFacts[] {
    const wanted = Math.max(Math.min(64, group.rows.length), Math.floor(group.rows.length * share))
    const chosen = Math.min(wanted, group.rows.length)
    const facts: ConnectionFacts[] = []
    for (let i = 0; i < chosen; i++) {
      const index = Math.floor((i * group.rows.length) / chosen)
      const weight =
        Math.floor(((i + 1) * group.seen) / chosen) - Math.floor((i * group.seen) / chosen)
      facts.push(this.facts(group.rows[index]!, group.ended[index]!, weight))
    }
    return facts
  }

  /** Half-open leftovers: counted by server and kind, a few of each turned into facts that stand for all. */
  private embryoFacts(): ConnectionFacts[] {
    for (const e of this.tracker.embryos.drain()) this.finishEmbryo(e)
    const all: ConnectionFacts[] = []
    for (const group of this.embryoGroups.values()) {
      const n = group.facts.length
      for (let i = 0; i < n; i++) {
        group.facts[i]!.weight =
          Math.floor(((i + 1) * group.weight) / n) - Math.floor((i * group.weight) / n)
      }
      all.push(...group.facts)
    }
    return all
  }

  private finishEmbryo(e: number): void {
    const { tracker } = this
    const server = tracker.embryos.serverOf(e)
    const key = `${server.family} ${server.address} ${server.port} ${server.synAck}`
    const group = this.embryoGroups.get(key) ?? { weight: 0, facts: [] }
    const full =
      this.onConnection === undefined &&
      (group.facts.length >= EMBRYOS_PER_GROUP || this.embryoGroups.size > 10_000)
    if (full) {
      group.weight++
      this.total++
      this.troubled++
      const ending = group.facts[0]?.ending ?? 'unanswered'
      this.byEnding[ending] = (this.byEnding[ending] ?? 0) + 1
      return
    }
    const row = tracker.finishEmbryo(e)
    const ended = endingOf(tracker.rows, tracker.aggregates, undefined)
    this.count(ended.ending)
    aggregate(tracker.rows, tracker.aggregates, ended.ending)
    const facts = this.facts(row, ended, 1)
    this.onConnection?.(facts)
    tracker.forget(row)
    if (group.facts.length < EMBRYOS_PER_GROUP) group.facts.push(facts)
    group.weight++
    this.troubled++
    this.embryoGroups.set(key, group)
  }
}

function seenBothWays({ ints, at }: Rows): boolean {
  return ints[at + L.CLIENT_SIDE + L.S_PACKETS]! > 0 && ints[at + L.SERVER_SIDE + L.S_PACKETS]! > 0
}

/** By its server, or by a client that may not have waited for all of the answer. */
function endedInAnswer({ ints, floats, at }: Rows, { by }: Ended): boolean {
  return by === 'server' || mayHaveLeft(ints, floats, at)
}
