import type { CauseId } from '../../causes/ids.ts'
import { type CauseGroup, catalog, catalogIds } from './catalog.ts'
import { endpointsOf, type LineEndpoints } from './endpoints.ts'
import { flatten, matchErrors, type Wire } from './errors.ts'
import { nearest } from './nearest.ts'
import { type StateFacts, stateNamed, states } from './states.ts'
import { type NextStep, type StepKind, type StepOptions, stepsFor } from './steps.ts'

export type { NextStep } from './steps.ts'

export interface CauseRef {
  id: CauseId
  title: string
}

/** One reading of a pasted error line. */
export interface ErrorReading {
  id: string
  from: string
  wire: Wire
  seen: string
  causes: CauseRef[]
}

export type Explanation =
  | { kind: 'cause'; id: CauseId; title: string; group: CauseGroup; variant?: string }
  | {
      kind: 'state'
      state: Omit<StateFacts, 'causes' | 'run'>
      causes: CauseRef[]
      next: NextStep[]
    }
  | {
      kind: 'error'
      line: string
      endpoints: LineEndpoints
      /** Best first, at least one. */
      readings: ErrorReading[]
      next: NextStep[]
    }
  | { kind: 'unknown'; query: string; nearest: CauseRef[]; states: string[] }

export interface ExplainOptions {
  /** Verbs of tcpwhy that a step may name; default: those this version has. */
  verbs?: readonly string[]
}

/** Those of this version; a test compares them with the command line's. */
export const VERBS = [
  'analyze',
  'capture',
  'diagnose',
  'explain',
  'lab',
  'probe',
  'queue',
  'snapshot',
] as const
const MAX_READINGS = 3
const NOWHERE: LineEndpoints = { pair: [], host: null, port: null }

/** What a cause id, a variant, a TCP state in any spelling, or a pasted error or log line means. Never throws. */
export function explain(query: string, { verbs = VERBS }: ExplainOptions = {}): Explanation {
  return (
    explainCause(query) ??
    explainState(query, { verbs }) ??
    explainError(query, { verbs }) ??
    unknown(query)
  )
}

function explainCause(query: string): Explanation | null {
  const word = hyphenated(query)
  for (const id of catalogIds) {
    const { title, group, variants } = catalog[id]
    if (word === id) return { kind: 'cause', id, title, group }
    const variant = variants?.find((v) => v === word || `${id}-${v}` === word)
    if (variant !== undefined) return { kind: 'cause', id, title, group, variant }
  }
  return null
}

function explainState(query: string, options: StepOptions): Explanation | null {
  const found = stateNamed(query.slice(0, 40))
  if (found === null) return null
  const { causes, run, ...state } = found
  return { kind: 'state', state, causes: causes.map(ref), next: stepsFor(run, NOWHERE, options) }
}

function explainError(query: string, options: StepOptions): Explanation | null {
  const patterns = matchErrors(query).slice(0, MAX_READINGS)
  if (patterns.length === 0) return null
  const line = flatten(query)
  const endpoints = endpointsOf(line)
  const kinds = [...new Set(patterns.flatMap((p): readonly StepKind[] => p.next))]
  const readings = patterns.map(({ id, from, wire, seen, causes }) => ({
    id,
    from,
    wire,
    seen,
    causes: causes.map(ref),
  }))
  return { kind: 'error', line, endpoints, readings, next: stepsFor(kinds, endpoints, options) }
}

function unknown(query: string): Explanation {
  const word = hyphenated(query)
  const stateNames = states.map((s) => s.name)
  return {
    kind: 'unknown',
    query: flatten(query),
    nearest: nearest(word, catalogIds, 3).map(ref),
    states: nearest(word.toUpperCase(), stateNames, 1),
  }
}

function hyphenated(text: string): string {
  return text
    .slice(0, 80)
    .trim()
    .toLowerCase()
    .replace(/[\s_/]+/g, '-')
}

function ref(id: CauseId): CauseRef {
  return { id, title: catalog[id].title }
}
