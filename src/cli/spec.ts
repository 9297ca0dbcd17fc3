import type { Snapshot, SnapshotOptions } from '../app/bundle/snapshot.ts'
import type { capture } from '../app/capture/capture.ts'
import type { DiagnoseHostOptions } from '../app/diagnose-host.ts'
import type { labScenarios, RunLab } from '../app/lab.ts'
import type { ScoreLab } from '../app/lab-score.ts'
import type * as ProbeApp from '../app/probe/index.ts'
import type { QueueOptions } from '../app/queue.ts'
import type { AnalyzeCaptures } from '../app/types.ts'
import type { Report } from '../diagnose/report.ts'
import type { QueueReport } from '../host/queue-report.ts'
import type { Io } from './io.ts'

/** One option as data: the scanner, commander's help and the docs test all read the same table. */
export interface OptionSpec {
  /** Without dashes: "json", "no-color". */
  name: string
  short?: string
  /** Name of its value in the help: "FILE"; "A B" takes two words; absent = a switch. */
  value?: string
  choices?: readonly string[]
  repeat?: true
  help: string
}

export interface CommandSpec {
  name: string
  summary: string
  /** Name of the operands in the help; absent = it takes none. */
  operands?: { name: string; help: string }
  options: readonly OptionSpec[]
  examples: readonly { command: string; what: string }[]
  /** More for the end of the help: exit codes, time syntax. */
  notes?: string
  load: () => Promise<{ run: (args: Arguments, io: Io, app: App) => Promise<number> }>
}

/** Options by name; a switch has no values, a repeated option several, an "A B" option both words in one value. */
export interface Arguments {
  options: Readonly<Record<string, readonly string[]>>
  operands: readonly string[]
}

/** The use cases, each imported only when it is wanted. `main.ts` gives the real ones, tests their own. */
export interface App {
  analyze: () => Promise<AnalyzeCaptures>
  capture: () => Promise<typeof capture>
  lab: () => Promise<{ runLab: RunLab; labScenarios: typeof labScenarios }>
  labScore: () => Promise<ScoreLab>
  diagnose: () => Promise<(options: DiagnoseHostOptions) => Promise<Report>>
  snapshot: () => Promise<(options: SnapshotOptions) => Promise<Snapshot>>
  queue: () => Promise<(options: QueueOptions) => Promise<QueueReport>>
  /** The experiments. */
  probe: () => Promise<typeof ProbeApp>
}
