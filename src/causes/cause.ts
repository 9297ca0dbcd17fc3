import type { ConnectionFacts, Segment, Side } from '../evidence/connection.ts'
import type { Ending } from '../evidence/endings.ts'
import type { Evidence } from '../evidence/evidence.ts'
import type { MachineFacts } from '../evidence/machine.ts'
import type { en } from '../messages/en/index.ts'
import type { Values } from '../messages/types.ts'
import type { CauseId } from './ids.ts'

export type Certainty = 'confirmed' | 'likely' | 'possible'
export type Severity = 'problem' | 'notice' | 'benign'

/** Where a reason can be looked up by the reader. `frame` is the running frame number over the joined input. */
export type Reference = CaptureReference | MachineReference | ExperimentReference

/** A place in the result of an experiment: "targets[0].runs[0]". */
export type ExperimentReference = { kind: 'probe'; source: string; ref: string }

export type CaptureReference =
  | { kind: 'frame'; frame: number; connection?: number }
  | { kind: 'connection'; connection: number }

/** Something of a host: a socket, a process, a counter's two readings, a setting, an event of the kernel. */
export type MachineReference = { source: string } & (
  | { kind: 'socket'; netns: string; local: string; remote: string; inode?: number }
  | { kind: 'process'; pid: number; what: string }
  | { kind: 'counter'; name: string; before: number; after: number; netns?: string }
  | { kind: 'setting'; name: string; value: string; netns?: string }
  | {
      kind: 'kernel-event'
      event: string
      timeNs: string
      fields: Record<string, string | number>
    }
)

/** What of a host a verdict is about, where it is not about connections of a capture. */
export interface MachineSubject {
  source: string
  /** How many of how many, of what kind. */
  count: number
  of: number
  what: 'sockets' | 'connects' | 'handshakes' | 'resets' | 'processes' | 'listeners' | 'packets'
  /** Sockets as "local > remote", at most five. */
  examples: readonly string[]
  /** The server's end that it is about: joins it to the connections of a capture. `addresses` null: any of them. */
  server: { port: number; addresses: readonly string[] | null } | null
}

/** One sentence of evidence: a template key of the cause's own messages, its values, and where to look. */
export interface Reason {
  cause: CauseId
  key: string
  values: Values
  at: Reference
}

/** What a cause says about one or several connections that it explains. Alike verdicts are merged by `diagnose`. */
export interface Verdict {
  connections: readonly ConnectionFacts[]
  variant?: string
  certainty: Certainty
  severity: Severity
  /**
   * Strength against rival causes for the same connection, 0..100: 90 = this shape has no other known maker,
   * 70 = required and supporting evidence, 50 = required evidence only, 30 = compatible.
   */
  weight: number
  culprit: {
    side: Side | 'middlebox' | 'network' | 'unknown'
    host?: string
    process?: { pid: number; command: string; container?: string }
    setting?: string
  }
  because: readonly Reason[]
  against: readonly Reason[]
  /** Values for the title and the steps; `connections`, `server`, `host`, `port` are filled in by diagnose. */
  values?: Values
  /** Verdicts of one cause and variant with the same group are one finding; usually the server's endpoint. */
  group: string
  /** What an experiment has to go beyond: the silence after which connections ended, how long clients wait for an answer. */
  experiment?: { silenceMs?: number; patienceMs?: number }
  consequenceOf?: CauseId
  /** Where that cause explains the same connection, this one is told beside it and not against it. */
  beside?: CauseId
  /** Set by `judgeMachine`, which leaves `connections` empty. */
  machine?: MachineSubject
}

/** A cause somebody would have suspected here and that the facts rule out. */
export interface Exclusion {
  because: readonly Reason[]
}

/** What could not be told: what is missing, and the command that would tell. */
export interface Unknown {
  missing: readonly string[]
  ask: string
}

export interface Judgement {
  verdicts: readonly Verdict[]
  excluded?: Exclusion
  unknown?: Unknown
}

/** Kinds of evidence a cause can use. The first listed suffices for `likely`. */
export type Need = 'packets' | 'both-sides' | 'payload' | 'kernel' | 'application' | 'experiment'

export interface Cause {
  id: CauseId
  needs: readonly Need[]
  /** Clauses and kernel functions: "RFC 9293 §3.5.2", "Linux net/ipv4/tcp_output.c tcp_send_active_reset". */
  refs: readonly string[]
  confusedWith: readonly CauseId[]
  specialises?: readonly CauseId[]
  /**
   * Causes of which the kernel gives the same account, so that its word, however sure, settles nothing between this one and them:
   * what packets show beyond it stands.
   */
  sameToKernel?: readonly CauseId[]
  /** Pure: same facts, same judgement. Most causes use `judgeEach`. */
  judge(evidence: Evidence): Judgement
  /** The same question to one host that was looked at; its words are `machine` of the cause's messages. Pure. */
  judgeMachine?(machine: MachineFacts, evidence: Evidence): Judgement
}

/** The judgement of a cause that looks at one connection at a time; `endings` is a cheap filter before `judgeOne`. */
export function judgeEach(
  evidence: Evidence,
  endings: readonly Ending[],
  judgeOne: (connection: ConnectionFacts, evidence: Evidence) => Verdict | null,
): Judgement {
  const verdicts: Verdict[] = []
  for (const connection of evidence.connections) {
    if (!endings.includes(connection.ending)) continue
    const verdict = judgeOne(connection, evidence)
    if (verdict !== null) verdicts.push(verdict)
  }
  return { verdicts }
}

type ReasonKey<C extends keyof typeof en> = keyof (typeof en)[C]['because'] & string

/** `const say = reasonsOf('port-closed')`: a misspelt key does not compile. */
export function reasonsOf<C extends keyof typeof en>(
  cause: C,
): (key: ReasonKey<C>, values: Values, at: Reference) => Reason {
  return (key, values, at) => ({ cause, key, values, at })
}

export function frameOf(segment: Segment, connection: ConnectionFacts): Reference {
  return { kind: 'frame', frame: segment.frame, connection: connection.id }
}

export function atFrame(frame: number, connection: ConnectionFacts): Reference {
  return { kind: 'frame', frame, connection: connection.id }
}

export function connectionRef(connection: ConnectionFacts): Reference {
  return { kind: 'connection', connection: connection.id }
}

export function otherSide(side: Side): Side {
  return side === 'client' ? 'server' : 'client'
}
