import type { CommandSpec } from '../spec.ts'

export const probeConnect = {
  name: 'probe connect',
  summary: 'What becomes of one connection, step by step, and who answers.',
  operands: {
    name: 'TARGET',
    help: 'HOST:PORT or a URL; a name is tried over IPv4 and IPv6, side by side',
  },
  options: [
    {
      name: 'http',
      value: 'PATH',
      help: 'Ask for this path (default for a URL: its own; for HOST:PORT: nothing is asked).',
    },
    {
      name: 'connect-timeout',
      value: 'TIME',
      help: 'How long the handshake may take (default 10s).',
    },
    { name: 'timeout', value: 'TIME', help: 'How long the answer may take (default 10s).' },
    { name: 'ipv4', short: '4', help: 'Only IPv4.' },
    { name: 'ipv6', short: '6', help: 'Only IPv6.' },
    {
      name: 'no-walk',
      help: 'No SYNs of a small TTL, which as root find the hop that answers or resets.',
    },
    { name: 'yes-i-own-this', help: 'The target is mine: needed for public addresses.' },
    { name: 'json', help: 'Print the result as JSON (schema tcpwhy.probe/1).' },
    { name: 'output', short: 'o', value: 'FILE', help: 'Write the result there.' },
    { name: 'no-color', help: 'No colours (also: NO_COLOR in the environment).' },
    { name: 'quiet', help: 'Nothing on standard error: not what is going to be sent.' },
  ],
  examples: [
    {
      command: 'tcpwhy probe connect http://10.0.0.9:8080/checkalive',
      what: 'is it refused, dropped, taken but never served?',
    },
    {
      command: 'sudo tcpwhy probe connect 10.0.0.9:443',
      what: 'as root also: which hop refuses, or behind which one SYNs get lost',
    },
  ],
  notes: 'Exit code: 0 told, whatever became of it; 3 interrupted; 2 could not.',
  load: () => import('./probe-connect-run.ts'),
} as const satisfies CommandSpec
