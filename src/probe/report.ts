import type { BacklogReport } from './backlog/report.ts'
import type { ConnectReport } from './connect/report.ts'
import type { HttpReport } from './http/report.ts'
import type { IdleReport } from './idle/report.ts'
import type { LoadReport } from './load/report.ts'

/** `tcpwhy.probe/1`: what an experiment found. One type an experiment, told apart by `probe`. */
export type ProbeReport = BacklogReport | ConnectReport | HttpReport | IdleReport | LoadReport

/** What every experiment's result begins with. */
export interface ProbeHead {
  schema: 'tcpwhy.probe/1'
  tool: { name: 'tcpwhy'; version: string }
  /** ISO 8601, UTC. */
  startedAt: string
  durationMs: number
  /** What was said before anything was sent. */
  plan: Plan
  /** What was really used of it. */
  spent: Spent
  /** It was interrupted: what is here is what was known by then. */
  interrupted: boolean
  /** False: the question of this experiment was not answered (exit code 3). */
  decided: boolean
  /** The answer in a sentence or two. */
  conclusion: string
}

/** What an experiment is going to do, and never does more than. */
export interface Plan {
  /** Where to: "web=10.0.0.9:80". */
  targets: readonly string[]
  /** At most, over the whole experiment. */
  connections: number
  /** At most, over the whole experiment; 0 = nothing is asked. */
  requests: number
  /** Of requests and their bodies, at most, over the whole experiment; without what TLS and TCP add. */
  octets: number
  /** Open at the same time, at most. */
  atOnce: number
  /** New connections and requests, whichever are more; null = as fast as answers come. */
  perSecond: number | null
  /** What is sent on a connection. */
  sends: string
  /** It is over by then, whatever happens. */
  deadlineMs: number
}

export interface Spent {
  connections: number
  writes: number
  octetsSent: number
}

/** Where an experiment went. */
export interface TargetSeen {
  name: string
  /** "10.0.0.9:80", "[2001:db8::1]:443" */
  address: string
}
