import type { CauseId } from '../causes/ids.ts'
import type { Stage } from './stage/stage.ts'
import type { Touchable } from './stage/touch-host.ts'

/** What tcpwhy must conclude; a misspelt cause does not compile. */
export interface Expects {
  verdict: 'healthy' | 'benign' | 'problem' | 'inconclusive'
  /** null: nothing is wrong. */
  cause: CauseId | null
  variant?: string
  consequences?: readonly CauseId[]
  /** Right with full evidence too, because the root is known only to what is not read yet (a pool, a database). */
  enough?: readonly CauseId[]
  /** No packet shows it: from captures alone nothing can be said, and nothing is. */
  isOffWire?: true
  /** True as far as it goes where one capture alone cannot reach the root. */
  shallower?: readonly CauseId[]
}

export interface Variant {
  id: string
  title: string
  expects: Expects
  /** How the fault is made, and what takes it away: a sentence each. `fix` is null where nothing is wrong. */
  fault: string
  fix: string | null
  /** Connections of the client end at a proxy, so captures at both ends are of different connections. */
  isProxied?: boolean
  /** A setting that exists once for the machine: played with --touch-host only. */
  touches?: Touchable
  /** Debian packages beyond those of the scenario. */
  packages?: readonly DebianPackage[]
}

/** One number before and after the fix. */
export interface Measure {
  name: string
  value: number
  unit?: string
}

/** What happened: the symptom that users saw, and the numbers that show it. */
export interface Outcome {
  /** Users (or the service) suffered as the story tells. After the fix it must be false. */
  failing: boolean
  /** The symptom in one line, with its numbers. */
  symptom: string
  measures: readonly Measure[]
  /** With the fix: what fails still although the fault is gone, and why; a clause after "yet". */
  remains?: string
  /** A table of the experiment, where the story has one. */
  table?: Table
}

export interface Table {
  title: string
  head: readonly string[]
  rows: readonly (readonly (string | number)[])[]
}

export interface Scenario {
  id: string
  title: string
  kind: 'incident' | 'neighbour' | 'healthy'
  /** Written by somebody who had not seen how the causes are found: scored apart. */
  author?: 'fresh-eyes'
  packages: readonly DebianPackage[]
  /** The first one is what `tcpwhy lab run ID` plays. */
  variants: readonly [Variant, ...Variant[]]
  /** Names of samples that tell the story, "server CLOSE-WAIT"; the live view draws them. */
  signals: readonly string[]
  reproduce(stage: Stage, variant: string): Promise<Outcome>
  /** The same with the fix applied; absent where nothing is wrong. */
  fix?(stage: Stage, variant: string): Promise<Outcome>
}

export type DebianPackage =
  | 'conntrack'
  | 'golang-go'
  | 'golang-github-go-sql-driver-mysql-dev'
  | 'golang-github-lib-pq-dev'
  | 'haproxy'
  | 'libhikaricp-java'
  | 'libmariadb-java'
  | 'mariadb-server'
  | 'nginx-light'
  | 'openjdk-17-jdk-headless'
  | 'postgresql'

/** What the person watching sees while it runs. */
export type LabEvent =
  | { kind: 'phase'; phase: 'reproduce' | 'analyze' | 'fix' | 'stop' }
  | { kind: 'step'; text: string; atMs: number }
  /** Once a second: every number that the stage knows, "server LISTEN queue" and the like. */
  | { kind: 'sample'; atMs: number; values: Readonly<Record<string, number>> }
  /** The moment of failure. */
  | { kind: 'mark'; text: string; atMs: number }
