import type { CommandSpec } from '../spec.ts'

export const explain = {
  name: 'explain',
  summary: 'Say what a cause, a TCP state or a pasted error line means, and what to do.',
  operands: {
    name: 'WHAT',
    help: 'a cause id, a TCP state or an error or log line in quotes; without it: the list of causes',
  },
  options: [],
  examples: [
    { command: 'tcpwhy explain', what: 'all causes' },
    { command: 'tcpwhy explain keep-alive-race', what: 'the page of one cause' },
    { command: 'tcpwhy explain CLOSE-WAIT', what: 'a TCP state, in any spelling' },
    {
      command: "tcpwhy explain 'read tcp 10.0.0.1:53212->10.0.0.2:80: connection reset by peer'",
      what: 'what was on the wire, which causes, what to run next',
    },
  ],
  notes: 'Exit code: 0 explained, 2 not known. An error line that begins with - goes behind --.',
  load: () => import('./explain-run.ts'),
} as const satisfies CommandSpec
