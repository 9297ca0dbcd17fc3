import type { CommandSpec } from '../spec.ts'

export const probeLoad = {
  name: 'probe load',
  summary: 'HTTP load: what failed requests died of, and how late the others were.',
  operands: { name: 'TARGET', help: 'http://HOST:PORT/path, https://..., or HOST:PORT' },
  options: [
    {
      name: 'concurrency',
      short: 'c',
      value: 'N[,N...]',
      help: 'Connections at the same time (default 10). Several: one step after the other, to see where more of them gives no more requests/s.',
    },
    {
      name: 'for',
      value: 'TIME',
      help: 'How long: 30s, 5m (default 10s, without --count; with several --concurrency an equal part each, 5s by default).',
    },
    { name: 'count', short: 'n', value: 'N', help: 'How many requests in all.' },
    {
      name: 'rate',
      value: 'N',
      help: 'Requests a second, whatever becomes of them (default: as fast as answers come).',
    },
    {
      name: 'burst',
      value: 'N@TIME',
      repeat: true,
      help: 'Instead of a rate: N new connections at once, that long after the start. Several times for several.',
    },
    {
      name: 'max-connections',
      value: 'N',
      help: 'Never opens more in all, and ends early when one more would be needed (default: what --rate, --count and --burst can need at most; else 1,000 for each second of --for, with --one-shot 20,000).',
    },
    { name: 'one-shot', help: 'A new connection for every request (default: keep-alive).' },
    { name: 'timeout', value: 'TIME', help: 'Limit of a request, from its sending (default 5s).' },
    {
      name: 'connect-timeout',
      value: 'TIME',
      help: 'Limit of a handshake (default: that of --timeout).',
    },
    { name: 'method', value: 'METHOD', choices: ['GET', 'HEAD'], help: 'GET (default) or HEAD.' },
    {
      name: 'yes-i-own-this',
      help: 'The target is mine: more than 50 a second, or a public address.',
    },
    {
      name: 'json',
      help: 'Print the result as JSON (schema tcpwhy.probe/1), with one sample a second.',
    },
    {
      name: 'json-lines',
      help: 'A line of JSON each second, one when all requests have begun, and one with the result.',
    },
    { name: 'output', short: 'o', value: 'FILE', help: 'Write the result there.' },
    { name: 'no-color', help: 'No colours (also: NO_COLOR in the environment).' },
    {
      name: 'quiet',
      help: 'Nothing on standard error: not what is going to be sent, no progress.',
    },
  ],
  examples: [
    {
      command: 'tcpwhy probe load http://127.0.0.1:8080/ -c 50 --for 10s',
      what: 'fifty kept connections',
    },
    {
      command: 'tcpwhy probe load http://127.0.0.1:8080/ -c 10,20,40,80 --for 40s',
      what: 'ten seconds of each: from which on more concurrency gives no more requests/s',
    },
    {
      command: 'tcpwhy probe load http://127.0.0.1:8080/ -c 200 --one-shot --timeout 1s --for 30s',
      what: 'a new connection a request, as in the incident of the listen queue',
    },
    {
      command:
        'tcpwhy probe load http://127.0.0.1:8080/ --burst 1000@0s --burst 1000@10s --timeout 1s',
      what: 'two bursts of a thousand new connections, as after an outage',
    },
    {
      command: 'tcpwhy probe load http://10.0.0.9/ --rate 40 --for 5m --json -o load.json',
      what: 'forty a second, gently; for programs',
    },
  ],
  notes: 'Exit code: 0 told, 3 interrupted before any request ended, 2 could not.',
  load: () => import('./probe-load-run.ts'),
} as const satisfies CommandSpec
