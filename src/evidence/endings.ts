/** What was seen of a connection: one of these, see docs/vocabulary.md. Public ids, never renamed. */
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
] as const

export type Ending = (typeof endings)[number]
