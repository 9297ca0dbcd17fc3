import type { ConnectionFacts, EndpointFacts, HostFacts, PathFacts } from '../flow/facts.ts'
import type { ApplicationFacts } from './application.ts'
import type { Ending } from './endings.ts'
import type { Apart, Experiment } from './experiments.ts'
import type { MachineFacts } from './machine.ts'

/** One capture (later: host, bundle, log, probe) the facts came from. */
export interface SourceFacts {
  id: string
  kind: 'capture' | 'host' | 'bundle'
  name: string
  at: 'client' | 'server' | 'router' | null
  fromMs: number
  toMs: number
  frames: number
  tcpFrames: number
  snapLen: number
  /** False: packets were cut behind their headers, so what was said in them is not there. Absent = not told. */
  payload?: boolean
  /** Packets the kernel dropped before the capture saw them, null = not told. */
  dropped: number | null
  headerFieldsKnown: boolean
  /** False: it tells the order of its packets only. Absent = it has times. */
  timesKnown?: boolean
  /** Both directions of at least one connection are in it. */
  bothDirections: boolean
}

/** Facts that two captures of the same connection prove together (see app/vantage). */
export interface VantageFacts {
  /** Capture ids: the nearer to the client first. */
  client: string | null
  server: string | null
  router: string | null
  offsetMs: number
  driftPpm: number
  /** By connection id: what happened to its decisive segments. */
  fates: ReadonlyMap<number, readonly SegmentFate[]>
  /** By connection id: how many of all its data segments never arrived. */
  data?: ReadonlyMap<number, DataLosses>
  /**
   * Connections of the near capture of which the far one has no packet although it ran and has others of that host; it has
   * them of one port only, so a capture filter would explain it as well.
   */
  absent?: ReadonlySet<number>
  /** Paired connections whose SYN-ACK the far capture has and the near one not. */
  answered?: ReadonlySet<number>
  /** By id of a paired connection whose addresses or ports are translated on the way: its ends as the other capture names them. */
  views?: ReadonlyMap<number, { client: string; server: string }>
  /** Addresses of servers, as their clients name them, that are translated on the way. */
  services?: ReadonlySet<string>
}

/** One capture that shows connections before and after a box that translates their addresses: each is counted once. */
export interface TranslationFacts {
  /** It translates no addresses, but answers handshakes itself and rewrites the server's sequence numbers. */
  by?: 'syn-proxy'
  /** Connections that were seen on both sides. */
  pairs: number
  /** By connection id: its ends as they are after translation. */
  views: ReadonlyMap<number, { client: string; server: string }>
  /** Addresses of servers, as their clients name them, that the box translates. */
  services?: ReadonlySet<string>
  /** By connection id: 'lost' went into the box and never came out, 'injected' was made by the box. */
  fates: ReadonlyMap<number, readonly SegmentFate[]>
  /** By connection id: a segment that passed the box without being translated back, and the client's RST to it. */
  untranslated?: ReadonlyMap<number, { frame: number; reset: number; from: string }>
}

/** All data segments of one connection that both captures were able to see. */
export interface DataLosses {
  compared: number
  /** Left one end, and no octet arrived at the other. */
  lost: number
  /** The first of these among the frames that stand for the connection. */
  firstFrame: number | null
}

export interface SegmentFate {
  /** The segment's frame in the capture where it was seen first (running frame number). */
  frame: number
  kind: 'reset' | 'syn' | 'syn-ack' | 'data' | 'fin' | 'ack'
  from: 'client' | 'server'
  /**
   * 'delivered': seen at both ends; 'lost': left its sender, never arrived; 'altered': arrived changed (`what`; where the
   * client's address or port changed in the middle of the connection, `renamed` is the new one);
   * 'injected': arrived, but its alleged sender never sent it; 'never-sent' is the same seen from the sender.
   */
  fate: 'delivered' | 'lost' | 'altered' | 'injected'
  what: string | null
  renamed?: string
  seenAt: 'client' | 'server' | 'router'
  tMs: number
}

/** Everything causes may know. Later sources (pools) are further optional members. */
export interface Evidence {
  sources: readonly SourceFacts[]
  /** Troubled connections in order of their first frame. Clean ones are in the aggregates only. */
  connections: readonly ConnectionFacts[]
  endpoints: ReadonlyMap<string, EndpointFacts>
  hosts: ReadonlyMap<string, HostFacts>
  /** Key `${client} ${server}`, addresses. */
  paths: ReadonlyMap<string, PathFacts>
  totals: { connections: number; byEnding: Record<Ending, number>; packets: number }
  /** By connection id, only where payload was read again. */
  application: ReadonlyMap<number, ApplicationFacts>
  vantage: VantageFacts | null
  /** Where one capture has both sides of a box that translates addresses. */
  translation?: TranslationFacts
  /** Hosts that were looked at, live or in a bundle. */
  machines?: readonly MachineFacts[]
  /** Results of `tcpwhy probe`. */
  experiments?: readonly Experiment[]
  /** By source: of experiments that were not made while the packets were captured. */
  experimentsApart?: ReadonlyMap<string, Apart>
  startMs: number
  endMs: number
}

export type { EndpointFacts, HostFacts, PathFacts }
