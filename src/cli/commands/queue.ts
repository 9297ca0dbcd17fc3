import type { CommandSpec } from '../spec.ts'

export const queue = {
  name: 'queue',
  summary: "How long a listener's accept and SYN queues can grow, and what limits them.",
  options: [
    { name: 'backlog', value: 'N', help: "The listener's argument of listen()." },
    { name: 'somaxconn', value: 'N', help: 'net.core.somaxconn' },
    { name: 'max-syn-backlog', value: 'N', help: 'net.ipv4.tcp_max_syn_backlog' },
    { name: 'syncookies', value: 'N', choices: ['0', '1', '2'], help: 'net.ipv4.tcp_syncookies' },
    {
      name: 'kernel',
      value: 'V',
      help: 'Release of another machine (uname -r): then nothing is read here.',
    },
    { name: 'json', help: 'Print the answer as JSON (schema tcpwhy.queue/1).' },
    { name: 'no-color', help: 'No colours (also: NO_COLOR in the environment).' },
  ],
  examples: [
    { command: 'tcpwhy queue', what: 'this host: the longest queues that a program can get' },
    { command: 'tcpwhy queue --backlog 511', what: 'this host, a listener that asks for 511' },
    {
      command:
        'tcpwhy queue --kernel 3.10.0-1160.el7.x86_64 --backlog 511 --max-syn-backlog 512 --syncookies 1',
      what: 'any kernel, on any machine; somaxconn is its default',
    },
  ],
  notes:
    'Exit code: 0 told (also where it is told that it cannot be), 2 values are missing or wrong.',
  load: () => import('./queue-run.ts'),
} as const satisfies CommandSpec
