import type { CommandSpec } from '../spec.ts'

export const probeBacklog = {
  name: 'probe backlog',
  summary: 'Bursts of connections: how many a listener takes at once, what the rest die of.',
  operands: { name: 'TARGET', help: 'http://HOST:PORT/path, or HOST:PORT' },
  options: [
    {
      name: 'connections',
      short: 'c',
      value: 'N',
      help: 'The largest burst (default 200); an eighth, a quarter and a half of it go before.',
    },
    { name: 'http', value: 'PATH', help: 'What to ask for (default: the path of the URL, or /).' },
    {
      name: 'timeout',
      value: 'TIME',
      help: 'Limit of each handshake and of each answer (default 3s).',
    },
    {
      name: 'yes-i-own-this',
      help: 'The target is mine: needed for all but loopback, from 51 connections on.',
    },
    { name: 'json', help: 'Print the result as JSON (schema tcpwhy.probe/1).' },
    { name: 'output', short: 'o', value: 'FILE', help: 'Write the result there.' },
    { name: 'no-color', help: 'No colours (also: NO_COLOR in the environment).' },
    { name: 'quiet', help: 'Nothing on standard error: not what is going to be sent.' },
  ],
  examples: [
    {
      command: 'tcpwhy probe backlog http://127.0.0.1:8080/ -c 400',
      what: 'on the server itself: with its counters',
    },
    {
      command: 'tcpwhy probe backlog 10.0.0.9:80 -c 200 --timeout 1s --yes-i-own-this',
      what: 'as a client with a time-out of 1 s sees it',
    },
  ],
  notes: 'Exit code: 0 told, 3 interrupted before the first burst, 2 could not.',
  load: () => import('./probe-backlog-run.ts'),
} as const satisfies CommandSpec
