import type { CommandSpec } from '../spec.ts'

export const diagnose = {
  name: 'diagnose',
  summary: 'Say what is wrong with the TCP connections of this host, now, or of hosts in bundles.',
  operands: {
    name: 'FILE',
    help: 'captures made on this host join the evidence; bundles of tcpwhy snapshot take its place',
  },
  options: [
    {
      name: 'for',
      value: 'TIME',
      help: 'How long to watch: 30s, 2m (default 3s); headers are captured meanwhile.',
    },
    { name: 'port', value: 'PORT', help: 'Only sockets that have this port at one end.' },
    { name: 'pid', value: 'PID', help: 'Only this process, in its network namespace.' },
    { name: 'netns', value: 'NAME', help: 'Only this network namespace of ip netns.' },
    {
      name: 'container',
      value: 'NAME',
      help: 'Only this container: its name, the beginning of its id, or its host name.',
    },
    {
      name: 'write',
      short: 'w',
      value: 'FILE',
      help: 'Keep the headers that were captured meanwhile (pcapng).',
    },
    { name: 'no-packets', help: 'Capture no headers meanwhile.' },
    { name: 'capture', value: 'FILE', repeat: true, help: 'The same as FILE.' },
    { name: 'json', help: 'Print the report as JSON (schema tcpwhy.report/1).' },
    { name: 'markdown', help: 'Print the report as Markdown, for an incident ticket.' },
    { name: 'html', help: 'Print the report as one self-contained HTML page.' },
    { name: 'output', short: 'o', value: 'FILE', help: 'Write the report there.' },
    { name: 'verbose', short: 'v', help: 'Show every listener, and what each setting does here.' },
    { name: 'no-color', help: 'No colours (also: NO_COLOR in the environment).' },
    { name: 'quiet', help: 'No progress on standard error.' },
  ],
  examples: [
    { command: 'sudo tcpwhy', what: 'this host, watched for 3 seconds' },
    { command: 'sudo tcpwhy diagnose --for 30s', what: 'longer, for what happens seldom' },
    { command: 'sudo tcpwhy diagnose --port 443', what: 'one service and its clients' },
    {
      command: 'sudo tcpwhy diagnose --capture incident.pcap',
      what: 'packets beside the kernel: what both say is confirmed',
    },
    { command: 'tcpwhy diagnose web1.tar.gz web2.tar.gz', what: 'what tcpwhy snapshot kept there' },
  ],
  notes: `Nothing on the host is changed. Without root it says what it can, and what root would add.
Exit code: 0 healthy or benign, 1 problem found, 3 inconclusive, 2 could not do what was asked.`,
  load: () => import('./diagnose-run.ts'),
} as const satisfies CommandSpec
