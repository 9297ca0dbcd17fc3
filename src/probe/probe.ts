import type { ProbePort } from './port.ts'
import type { Plan, ProbeReport } from './report.ts'

/** An experiment: a question, what it needs, what it will send, and how it finds out. One file in `probes/` each. */
export interface Probe<Options, Report extends ProbeReport> {
  id: Report['probe']
  /** The question that it answers. */
  asks: string
  /** Beyond sockets, a clock and chance: what makes its answer better. Without it says what it cannot tell. */
  needs: readonly ProbeNeed[]
  /** What it will send at most; pure, told before anything is sent. */
  plan(options: Options): Plan
  /** Bounded by the plan and by `context.stop`. @throws nothing of the world: that is its result */
  run(options: Options, port: ProbePort, context: ProbeContext): Promise<Report>
}

/** 'capture': headers of its own packets, for TTLs; 'socket-options': raw setsockopt; 'host': counters of this kernel. */
export type ProbeNeed = 'capture' | 'socket-options' | 'host'

export interface ProbeContext {
  /** Ctrl-C: it ends with what is known. */
  stop: AbortSignal
}
