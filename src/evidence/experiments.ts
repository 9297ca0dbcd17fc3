/** What `tcpwhy probe idle` found of one endpoint: a connection that is silent survives `fromMs` and not `toMs`. */
export interface IdleExperiment {
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
