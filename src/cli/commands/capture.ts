import type { CommandSpec } from '../spec.ts'

export const capture = {
  name: 'capture',
  summary: 'Capture packets in any container, process or namespace; keep the last minutes.',
  operands: {
    name: 'FILTER',
    help: "words of a tcpdump filter, as 'host 10.0.0.7'; default: TCP and ICMP",
  },
  options: [
    { name: 'interface', short: 'i', value: 'IF', help: 'Only on this interface (default: all).' },
    {
      name: 'write',
      short: 'w',
      value: 'FILE',
      help: 'Write pcapng there (- for standard output; default: a name with host and time).',
    },
    { name: 'netns', value: 'NAME', help: 'In this network namespace (ip netns list), or a path.' },
    { name: 'pid', value: 'PID', help: 'In the network namespace of this process.' },
    {
      name: 'container',
      value: 'NAME',
      help: 'In that of this container: name, beginning of its id, or host name.',
    },
    {
      name: 'port',
      value: 'PORT',
      repeat: true,
      help: 'Only TCP of this port, and ICMP (repeat it).',
    },
    { name: 'full', help: 'Whole packets; without it 160 octets of each, which hold all headers.' },
    { name: 'for', value: 'TIME', help: 'End after this time: 30s, 10m, 2h.' },
    {
      name: 'ring',
      value: 'TIME',
      help: 'Keep only the last minutes until a trigger or the end (with --trigger: 2m).',
    },
    { name: 'max-size', value: 'SIZE', help: 'Never use more of the disk: 500m (default), 2g.' },
    {
      name: 'trigger',
      value: 'WHEN',
      repeat: true,
      help: 'Keep the ring when it happens: reset-burst, overflow, close-wait:N, log:FILE:REGEX.',
    },
    { name: 'tail', value: 'TIME', help: 'Go on so long after a trigger (default 30s).' },
    {
      name: 'times',
      value: 'N',
      help: 'End after N triggers, each with its own file (default 1).',
    },
    { name: 'promiscuous', help: 'Also packets that are not for this host, on a mirror port.' },
    { name: 'analyze', help: 'Then say what is in it, as tcpwhy analyze FILE does.' },
    { name: 'quiet', help: 'No progress and no advice on standard error.' },
  ],
  examples: [
    {
      command: 'sudo tcpwhy capture --for 30s --analyze',
      what: 'this host, half a minute, and what it says',
    },
    {
      command: 'sudo tcpwhy capture --container web --port 443 -w web.pcapng',
      what: 'in a container, without any tool in it, until Ctrl-C',
    },
    {
      command: 'sudo tcpwhy capture --ring 10m --trigger reset-burst --trigger overflow',
      what: 'wait for the incident; keep the ten minutes before it and 30 s after it',
    },
    {
      command: "sudo tcpwhy capture --pid 4711 --trigger 'log:/var/log/app.log:connection reset'",
      what: 'what the log complains of, in packets',
    },
    { command: 'sudo tcpwhy capture --full -w - | wireshark -k -i -', what: 'live, in Wireshark' },
  ],
  notes: `reset-burst is 10 connections reset within 1s; reset-burst:50/10s says it otherwise.
Needs root (or CAP_NET_RAW for tcpdump) and tcpdump on this host.
Exit code: 0 captured, 2 could not, or ended before its time; with --analyze that of the analysis.`,
  load: () => import('./capture-run.ts'),
} as const satisfies CommandSpec
