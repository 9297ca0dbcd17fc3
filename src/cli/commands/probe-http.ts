import type { CommandSpec } from '../spec.ts'

export const probeHttp = {
  name: 'probe http',
  summary: 'Kept connections: for how long, how many requests, and what a close loses.',
  operands: { name: 'TARGET', help: 'http://HOST:PORT/path, https://..., or HOST:PORT' },
  options: [
    { name: 'http', value: 'PATH', help: 'What to ask for (default: the path of the URL, or /).' },
    { name: 'max', value: 'TIME', help: 'How long an idle connection is waited for (default 2m).' },
    {
      name: 'requests',
      short: 'n',
      value: 'N',
      help: 'Requests on one connection (default 120, 40 a second).',
    },
    {
      name: 'race',
      value: 'N',
      help: 'Requests sent about when the server closes, each on a connection of its own (default 60, 0 = none).',
    },
    { name: 'timeout', value: 'TIME', help: 'Limit of each handshake and answer (default 5s).' },
    { name: 'post', help: 'Also send bodies (POST) to that path: how an upload is refused.' },
    { name: 'yes-i-own-this', help: 'The target is mine: needed for public addresses.' },
    { name: 'json', help: 'Print the result as JSON (schema tcpwhy.probe/1).' },
    { name: 'output', short: 'o', value: 'FILE', help: 'Write the result there.' },
    { name: 'no-color', help: 'No colours (also: NO_COLOR in the environment).' },
    {
      name: 'quiet',
      help: 'Nothing on standard error: not what is going to be sent, no progress.',
    },
  ],
  examples: [
    {
      command: 'tcpwhy probe http http://10.0.0.9:8080/checkalive',
      what: 'how long it keeps connections, what it says, and the race when it closes',
    },
    {
      command: 'tcpwhy probe http http://127.0.0.1:8080/upload --post --max 5s',
      what: 'what becomes of an upload that it refuses',
    },
  ],
  notes: 'Exit code: 0 told, 3 the first request was not answered, 2 could not.',
  load: () => import('./probe-http-run.ts'),
} as const satisfies CommandSpec
