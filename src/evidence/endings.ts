import type { Ending } from '../flow/facts.ts'

export type { Ending }

/** All endings, sorted: for counting. What each means: docs/vocabulary.md. */
export const endings = [
  'clean',
  'half-closed',
  'handshake-incomplete',
  'handshake-reset',
  'open',
  'refused',
  'reset',
  'reset-after-close',
  'reset-after-fin',
  'timed-out',
  'unanswered',
  'unreachable',
] as const satisfies readonly Ending[]
