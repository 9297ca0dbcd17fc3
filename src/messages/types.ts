/**
 * Words are kept apart from logic: causes name a template and its values, a catalogue has the sentence. Another language
 * is one object of the same shape. Placeholders: {name}, or {name:ms}, {name:octets}, {name:count}, {name:time} to have a
 * number shown as a duration, a size, a count with separators, or a capture-relative time; {name?was|were} says the first
 * when that number is 1.
 */
export interface CauseMessages {
  /** One line, the finding's title: "{server} refused: nothing is listening there". */
  title: string
  /** Sentences for evidence for and against, by key; causes refer to them by key. */
  because: Record<string, string>
  /** Stop the loss, keep the scene: what to do this minute, and what a restart would destroy. */
  now: readonly Step[]
  /** What separates it from what looks alike; told first of what would confirm it. */
  experiment: ExperimentStep
  /** What else would confirm or refute it, with the exact command. */
  confirm: readonly Step[]
  fix: readonly FixStep[]
  /** A variant may have its own title and steps; what it leaves out is as above. */
  variants?: Record<string, Shown>
  /** How it is told of a host that was looked at; what it leaves out is as above. */
  machine?: Shown & { variants?: Record<string, Shown> }
}

export interface Shown {
  title?: string
  now?: readonly Step[]
  experiment?: ExperimentStep
  confirm?: readonly Step[]
  fix?: readonly FixStep[]
}

/** An experiment of `tcpwhy probe` (docs/probe.md), and what its result would mean. No full stop at the end of the two. */
export interface ExperimentStep {
  /** With {target}, {url}, {talk}, {max} and {silence} of src/diagnose/experiment.ts. */
  command: string
  /** Instead, where the server is known not to speak HTTP. */
  plain?: string
  supports: string
  refutes: string
}

export interface Step {
  text: string
  command?: string
}

export interface FixStep extends Step {
  /** The setting's name, e.g. "net.core.somaxconn", "keepalive_timeout". */
  setting?: string
  /** A command that shows the fix worked. */
  verify?: string
}

export type Values = Record<string, string | number>
