/** What `tcpwhy probe idle` found of one endpoint: a connection that is silent survives `fromMs` and not `toMs`. */
export interface IdleExperiment {
  kind: 'idle'
  /** Source of the report, "probe" or "probe-1". */
  source: string
  /** Where in its file: "targets[0].runs[0]". */
  ref: string
  /** "10.0.0.9:80" */
  endpoint: string
  fromMs: number
  /** Null: nothing died, up to `fromMs`. */
  toMs: number | null
  flavour: 'reset' | 'silent' | 'fin' | null
  by: 'server' | 'middlebox' | 'unknown' | null
}

/** What `tcpwhy probe http` found of an idle connection whose first request was answered. */
export interface HttpExperiment {
  kind: 'http'
  source: string
  /** "idle" */
  ref: string
  endpoint: string
  /** Null: neither FIN nor RST came in `waitedMs`; whether it still worked was not tried. */
  closedAfterMs: number | null
  how: 'fin' | 'reset' | null
  waitedMs: number
  /** Requests sent about when it closes, and how many of them were lost; null = not tried. */
  race: { tried: number; lost: number; roundTripMs: number } | null
  /** Bodies that it sent: how many answers were lost to a RST, and how many did not come in time; null = not tried. */
  uploads: { tried: number; lost: number; stuck: number } | null
}

/** What became of one connection of `tcpwhy probe connect`. */
export interface ConnectExperiment {
  kind: 'connect'
  source: string
  /** "targets[0]" */
  ref: string
  endpoint: string
  /**
   * 'served': a whole answer came; 'taken': the handshake was done, and nothing was asked or it ended otherwise;
   * 'never-served': the request was acknowledged and not answered; 'not-acknowledged': not even that; 'closed-unserved' and 'reset-unserved':
   * ended by FIN or RST when it came. Failures of this side say nothing and are no facts.
   */
  outcome:
    | 'served'
    | 'taken'
    | 'refused'
    | 'filtered'
    | 'unreachable'
    | 'reset-in-handshake'
    | 'never-served'
    | 'not-acknowledged'
    | 'closed-unserved'
    | 'reset-unserved'
    | 'tls-failed'
  /** A RST to the SYN: from as far away as SYNs are answered, or from a hop before that; null = not watched. */
  refusedBy: 'host' | 'nearer' | null
  /** Who answered SYNs with ICMP; null = nobody, or not watched. */
  icmpFrom: string | null
  /** A handshake of TLS was done. */
  secured: boolean
  /** SYN to its end. */
  lastedMs: number
}

/** How a listener took bursts of `tcpwhy probe backlog`. */
export interface BacklogExperiment {
  kind: 'backlog'
  source: string
  /** "bursts[3]": the largest, or the first that it did not take whole. */
  ref: string
  endpoint: string
  /** Connections of that burst. */
  connections: number
  /** Largest burst of which all were served without delay; 0 = none. */
  tookAll: number
  /** Beyond `tookAll` every burst had failures or slow handshakes. */
  hasLimit: boolean
  /** Of that burst, by what a full queue does: drop SYNs (no answer, or a second late), reset, ignore the ACK. */
  troubles: { syn: number; reset: number; ack: number }
  /** Rise of TcpExtListenOverflows over all bursts while this listener's queue was full; null = another host's listener. */
  overflows: number | null
}

/** Failed requests of `tcpwhy probe load`, of one kind. */
export interface LoadExperiment {
  kind: 'load'
  source: string
  /** "failures[0]" */
  ref: string
  endpoint: string
  failure: 'connect-refused' | 'connect-timeout' | 'receive-timeout'
  count: number
  begun: number
}

/** How far an experiment is from the packets in time: it was over so long before they began, or began so long after the last. */
export interface Apart {
  ms: number
  when: 'before' | 'after'
}

export type Experiment =
  | IdleExperiment
  | HttpExperiment
  | ConnectExperiment
  | BacklogExperiment
  | LoadExperiment
