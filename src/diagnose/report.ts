import type { CauseId } from '../causes/ids.ts'
import type { Ending } from '../evidence/endings.ts'
import type { RateUnknown } from '../evidence/machine.ts'
import type { HostComparison } from './hosts/comparison.ts'

/** Two numbers, what the client sent and what the server sent. */
export type Sides = { client: number; server: number }
export type SourceId = string

/** What `--json` prints, version 1. Fields are added, never renamed. Schema: schema/tcpwhy.report.1.json. */
export interface Report {
  schema: 'tcpwhy.report/1'
  tool: { name: 'tcpwhy'; version: string }
  sources: Source[]
  verdict: 'healthy' | 'benign' | 'problem' | 'inconclusive'
  /** One sentence a person can forward. */
  headline: string
  /** Most important first. */
  findings: Finding[]
  /** Only causes that somebody would have suspected here. */
  excluded: { cause: CauseId; because: Because[] }[]
  /** What could not be told, and the command that would tell. */
  unknown: {
    /** 'unexplained': endings that look like trouble and that no cause fits; then how many, and which. */
    cause: CauseId | 'unexplained'
    missing: string[]
    ask: string
    connections?: number
    examples?: string[]
  }[]
  connections: {
    total: number
    byEnding: Record<Ending, number>
    /** Connections with trouble of any kind; `listed` has at most the first `listedLimit` of them (all with --all). */
    troubled: number
    listedLimit: number | null
    listed: ConnectionSummary[]
  }
  /** Against --baseline: the same figures of the healthy capture, and what differs most. */
  baseline?: BaselineComparison
  /** With --at: how the captures were paired. */
  vantage?: VantageSummary
  /** One capture with both sides of a box that translates addresses: connections seen on both, each counted once. */
  translation?: { connections: number; by?: 'syn-proxy' }
  /** Hosts that were looked at (`diagnose`): what they are doing, whether or not anything is wrong. */
  hosts?: HostSummary[]
  /** Several hosts: who is sick, what differs, what they wait for together, who is connected to which. */
  comparison?: HostComparison
}

/** One host over the time that it was looked at. Counts are of all its network namespaces that could be read. */
export interface HostSummary {
  source: SourceId
  name: string
  /** uname -r */
  kernel: string
  observedMs: number
  namespaces: {
    netns: string
    container?: string
    sockets: number
    from: 'netlink' | 'ss' | 'proc'
  }[]
  /** Sockets by state, RFC 9293's names. */
  states: Record<string, number>
  /** Fullest queue first, then most drops; at most 200. */
  listeners: ListenerSummary[]
  /** A second each; null: looked at once. */
  rates: {
    accepted: number
    opened: number
    failed: number
    segmentsSent: number
    retransmitted: number
    octetsReceived: number
    octetsSent: number
  } | null
  /** What the machine has left; octets, and percent of the last 10 s in which some task waited (PSI). null: not told. */
  machine: {
    load: number | null
    waiting: { cpu: number | null; memory: number | null; io: number | null }
    memoryAvailable: number | null
    memoryTotal: number | null
    filesOpen: number | null
    filesLimit: number | null
  }
  /** Those that hold /, /var, /var/log, /tmp and the like; octets. Inodes 0: it has no fixed number of them. */
  filesystems: {
    at: string
    type: string
    size: number
    available: number
    inodes: number
    inodesFree: number
  }[]
  /** A second each, and the share of time in which the disk had something to do; null: looked at once. */
  disks:
    | {
        device: string
        reads: number
        writes: number
        octetsRead: number
        octetsWritten: number
        busyPercent: number
      }[]
    | null
  /** What is worth knowing of the machine whatever its connections do. */
  notices: { what: 'disk-full' | 'disk-nearly-full' | 'inodes-used-up'; text: string }[]
  /**
   * The settings that decide how connections live and die, each with what it does on this host. `netns`: the first of the
   * namespaces that have this value, of `namespaces` in all; null: one for the whole host.
   */
  settings: {
    name: string
    value: string
    netns: string[] | null
    namespaces: number
    effect: string
  }[]
  /** Silent for four minutes or more with no keepalive timer: a box that forgets idle connections cuts them. Most first. */
  unguarded: { netns: string; peer: string; connections: number; longestIdleMs: number }[]
  /** Resets that this host's TCP sent, by the kernel's reason; null: events were not to be had. */
  resetsSent: Record<string, number> | null
  /** Packets that its kernel dropped, by the kernel's reason (firewalls: NETFILTER_DROP); null as above. */
  packetsDropped: Record<string, number> | null
  /** Events that the kernel overwrote before they were read. */
  eventsLost: number
  /** What could not be seen, why, and what would add it. */
  missing: { what: string; why: string; adds: string }[]
}

export interface ListenerSummary {
  netns: string
  local: string
  process?: { pid: number; command: string; container?: string }
  /** Accept queue now, and the longest that was seen; the limit is exceeded by one when it is full. */
  depth: number
  limit: number | null
  synReceived: number
  /** Refused SYNs and ACKs, during the observation and since it listens; null: the kernel does not tell. */
  drops: number | null
  dropsTotal: number | null
  /**
   * Connections that came (handshakes that ended there) and that were accepted, a second each, counted over forMs;
   * `acceptedWithin`: how far the latter can be off. `listeners`: more than one share the address, and these are all of theirs.
   * null: cannot tell, for the reason in `ratesUnknown`.
   */
  rates: {
    newPerSecond: number
    acceptedPerSecond: number
    acceptedWithin: number
    listeners: number
    forMs: number
  } | null
  ratesUnknown?: RateUnknown
}

export interface Source {
  id: SourceId
  kind: 'capture' | 'host' | 'bundle' | 'log' | 'probe'
  name: string
  at?: 'client' | 'server' | 'router'
  /** ISO 8601 UTC, 9 decimals; null when nothing was in it. */
  from: string | null
  to: string | null
  /** Frames, TCP segments, fragments, ..., what was dropped (absent when not told). */
  counts: Record<string, number>
  /** Drops, cuts, what could not be read and why. */
  faults: { name: string; count: number; frame?: number; text: string }[]
  format?: string
  interfaces?: string[]
}

export interface Finding {
  cause: CauseId
  variant?: string
  certainty: 'confirmed' | 'likely' | 'possible'
  severity: 'problem' | 'notice' | 'benign'
  title: string
  culprit: {
    side: 'client' | 'server' | 'middlebox' | 'network' | 'unknown'
    host?: string
    process?: { pid: number; command: string; container?: string }
    setting?: string
  }
  /**
   * `examples` are ConnectionSummary ids. `groups`: the endpoints, when more than eight make one finding, worst first.
   * Of a host: `what` is counted instead of connections of a capture, `sockets` are at most five, "local > remote".
   */
  affected: {
    connections: number
    of: number
    examples: string[]
    what?: 'sockets' | 'connects' | 'handshakes' | 'resets' | 'processes' | 'listeners' | 'packets'
    sockets?: string[]
    groups?: { group: string; connections: number }[]
    /** The same on several hosts, worst first. */
    hosts?: { host: string; connections: number }[]
  }
  because: Because[]
  against: Because[]
  consequenceOf?: CauseId
  /** Explains connections that are counted under this cause just as well: one of the two is right. */
  alternativeTo?: CauseId
  /** Stop the loss: what to do this minute, and what a restart would destroy (snapshot first). */
  now?: { text: string; command?: string }[]
  confirm: { text: string; command?: string }[]
  fix: { text: string; setting?: string; command?: string; verify?: string }[]
}

/** One piece of evidence, and where the reader can open it. Capture frames are numbered as in their own file. */
/**
 * A piece of evidence: its sentence, and where to look it up. `times`: of how many of the finding's connections the same is
 * known; absent = of one, or the sentence is about all of them.
 */
export type Because = { text: string; source: SourceId; times?: number } & (
  | { kind: 'frame'; frame: number; connection?: string }
  | { kind: 'connection'; connection: string }
  | {
      kind: 'kernel-event'
      event: string
      timeNs: string
      fields: Record<string, string | number>
    }
  | { kind: 'counter'; name: string; before: number; after: number; netns?: string }
  | { kind: 'setting'; name: string; value: string; netns?: string }
  | { kind: 'socket'; netns: string; local: string; remote: string; inode?: number }
  | { kind: 'process'; pid: number; what: string }
  | { kind: 'log'; file: string; line: number }
  | { kind: 'pool' | 'database' | 'stack' | 'probe'; ref: string }
)

export interface ConnectionSummary {
  /** "0", "1", ... in order of the first frame over the joined input. */
  id: string
  /** "10.0.0.1:40000", "[2001:db8::1]:443". */
  client: string
  server: string
  /** The two ends as they are behind a box that translates addresses, where this capture shows that too. */
  translated?: { client: string; server: string }
  clientGuessed: boolean
  sawStart: boolean
  seen: 'both' | 'client-only' | 'server-only'
  /** ISO 8601 UTC, 9 decimals. */
  startTime: string
  durationMs: number
  ending: Ending
  endedBy: 'client' | 'server' | 'middlebox' | null
  /** Numbers as in the source's own file. `firstSource` only when the connection began in another file. */
  frames: {
    source: SourceId
    first: number
    last: number
    reset?: number
    firstSource?: SourceId
  }
  handshakeRttMs: number | null
  options: {
    mss: Sides | null
    windowScale: Sides | null
    sack: boolean
    timestamps: boolean
  }
  packets: Sides
  payloadOctets: Sides
  missingOctets: Sides
  retransmissions: Record<'rto' | 'fast' | 'spurious' | 'syn' | 'synAck' | 'fin', Sides>
  duplicateAcks: Sides
  outOfOrder: Sides
  keepaliveProbes: Sides
  zeroWindow: Record<'client' | 'server', { times: number; ms: number }>
  resets: Sides
  fins: Sides
  longestSilenceMs: number
  silenceBeforeEndMs: number
  unreadOctets: { client: number | null; server: number | null }
  ttl: { client: number[]; server: number[] }
  /** Which cause this connection was counted under, when one was found. */
  cause?: CauseId
}

export interface BaselineComparison {
  name: string
  /** Most telling difference first; values in the same units on both sides. */
  differences: { what: string; unit: string; here: number; baseline: number; text: string }[]
}

export interface VantageSummary {
  paired: number
  /** Pairs whose addresses or ports differ between the captures: NAT, VIP. */
  translated?: number
  unpaired: Record<string, number>
  /**
   * By server's endpoint: connections of the first capture alone, to an address that is translated on the way; they may have gone to
   * another server than the one captured.
   */
  elsewhere?: Record<string, number>
  /**
   * Clock of each further capture minus that of the first, and its drift. The true offset is within +-uncertaintyMs however
   * unequal the two directions are; a capture whose clock cannot be told (one direction only) has no entry.
   */
  clocks: { source: SourceId; offsetMs: number; uncertaintyMs: number; driftPpm: number }[]
  fates: Record<'delivered' | 'lost' | 'altered' | 'injected', number>
  /** What was lost and injected, by kind of segment. */
  kinds?: Record<
    'lost' | 'injected',
    Partial<Record<'reset' | 'syn' | 'syn-ack' | 'data' | 'fin' | 'ack', number>>
  >
  /** What was altered on the way, and in how many packets. */
  changes?: Record<string, number>
  /** Connections whose handshake a box in between answered itself (SYN proxy): their fates begin after it. */
  split?: number
  /** Connections alike in payload and made of other packets: not compared. */
  relayed?: number
  /** With a capture at the router: packets that were lost, and injected, by part of the way. */
  parts?: Record<string, { lost: number; injected: number }>
}
