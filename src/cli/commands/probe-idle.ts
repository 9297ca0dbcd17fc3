import type { CommandSpec } from '../spec.ts'

export const probeIdle = {
  name: 'probe idle',
  summary: 'After how long a silence a connection dies, how, by whom; what keeps it alive.',
  operands: {
    name: 'TARGET',
    help: 'HOST:PORT, NAME=HOST:PORT or a URL; several are tried side by side (the VIP and each server)',
  },
  options: [
    { name: 'max', value: 'TIME', help: 'The longest silence to try (default 1h).' },
    { name: 'precision', value: 'TIME', help: 'How close the limit is to be known (default 5s).' },
    {
      name: 'keepalive',
      value: 'IDLE/INTERVAL/COUNT',
      help: 'TCP keepalive to try beside none, in seconds: 60/60/5 (default: one that fits the limit found).',
    },
    {
      name: 'http',
      value: 'PATH',
      help: 'Say GET PATH before and after each silence (default for a URL: its path).',
    },
    {
      name: 'send',
      value: 'FILE',
      help: 'Say what is in FILE; that it is acknowledged is enough.',
    },
    {
      name: 'mysql-ping',
      help: 'Log in to MySQL (TCPWHY_MYSQL_USER, TCPWHY_MYSQL_PASSWORD) and say COM_PING.',
    },
    {
      name: 'send-octet',
      help: 'Say one octet (0). Default: nothing but a TCP keepalive probe after the silence.',
    },
    {
      name: 'for-client',
      value: 'NAME',
      help: 'Print settings for these (go, java, undici, hikaricp, ..., with commas), beside what is found to be in use here.',
    },
    {
      name: 'state',
      value: 'FILE',
      help: 'Keep results there as they come, and go on from there when it exists.',
    },
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
      command: 'tcpwhy probe idle vip=10.0.0.9:80 server=10.0.0.21:80 --http /checkalive',
      what: 'through the load balancer and directly, side by side: takes about twice the limit',
    },
    {
      command: 'tcpwhy probe idle 10.0.0.9:3306 --max 10m --precision 1s',
      what: 'any protocol: nothing is said, a keepalive probe asks after each silence',
    },
    {
      command: 'sudo tcpwhy probe idle 10.0.0.9:80 --http / --keepalive 60/60/5 --state idle.jsonl',
      what: 'as root it also says who ended the connections; can be interrupted and continued',
    },
  ],
  notes:
    'Exit code: 0 the limit is known, or that there is none up to --max; 3 undecided; 2 could not.',
  load: () => import('./probe-idle-run.ts'),
} as const satisfies CommandSpec
