import type { CommandSpec } from '../spec.ts'

export const snapshot = {
  name: 'snapshot',
  summary: 'Keep the scene before a restart: all that a diagnosis needs, in one .tar.gz.',
  options: [
    {
      name: 'output',
      short: 'o',
      value: 'FILE',
      help: 'Write it there; - is standard output (default: tcpwhy-HOST-TIME.tar.gz here).',
    },
    {
      name: 'pid',
      value: 'PID',
      repeat: true,
      help: 'Threads, stacks and open files of this process too (repeat it).',
    },
    { name: 'netns', value: 'NAME', help: 'Only this network namespace of ip netns.' },
    {
      name: 'container',
      value: 'NAME',
      help: 'Only the network of this container: its name, the beginning of its id, or its host name.',
    },
    {
      name: 'port',
      value: 'PORT',
      repeat: true,
      help: 'Only sockets with this port at one end (repeat it).',
    },
    { name: 'for', value: 'TIME', help: 'Time between its two looks: 500ms, 5s (default 3s).' },
    { name: 'redact', help: 'Put stand-ins in the place of addresses and host names.' },
    {
      name: 'redact-key',
      value: 'FILE',
      help: 'The same stand-ins in all bundles that are made with this secret (--redact).',
    },
    { name: 'max-size', value: 'SIZE', help: 'Largest bundle: 20m, 1g (default 50m).' },
    { name: 'quiet', help: 'Nothing on standard error but what went wrong.' },
  ],
  examples: [
    { command: 'sudo tcpwhy snapshot', what: 'the whole host, in some seconds' },
    { command: 'sudo tcpwhy snapshot --pid 4711 -o scene.tar.gz', what: 'and one process closely' },
    {
      command: 'tcpwhy diagnose scene.tar.gz',
      what: 'the answer, on any machine (macOS, Windows)',
    },
    { command: 'tcpwhy diagnose web*.tar.gz', what: 'one answer over several hosts' },
    {
      command: 'ssh web1 sudo tcpwhy snapshot -o - > web1.tar.gz',
      what: 'nothing is left on the host',
    },
  ],
  notes: `Reads only. No payload, environment or arguments of programs are kept; docs/snapshot.md lists what is.
Exit code: 0 written, 2 could not.`,
  load: () => import('./snapshot-run.ts'),
} as const satisfies CommandSpec
