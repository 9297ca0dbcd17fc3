import type { CauseMessages } from '../types.ts'
import { connects } from './commands.ts'

export const ephemeralPortsExhausted = {
  title:
    '{who} (pid {pid}) cannot connect: no local port is left ({connections:count} connects failed)',
  because: {
    'call-failed': '{count:count} connects failed with EADDRNOTAVAIL: nothing was sent',
    'in-use':
      '{used:count} of {ports:count} local ports are in use towards {server}, {waiting:count} of them in TIME-WAIT',
    'no-full-range':
      'no destination has the whole range in use now: the address to bind to may not be of this host',
  },
  now: [
    {
      text: 'Widen the range: it takes effect at once.',
      command: "sudo sysctl net.ipv4.ip_local_port_range='10000 65000'",
    },
  ],
  experiment: {
    command: connects,
    supports: 'from this host no connect can begin (no-local-resource)',
    refutes: 'it begins, whatever becomes of it: there is a port for that destination',
  },
  confirm: [
    {
      text: 'Count the ports towards each destination.',
      command: "ss -tanH | awk '{print $5}' | sort | uniq -c | sort -rn | head",
    },
  ],
  fix: [
    {
      text: 'Keep connections and reuse them: a pool instead of one connection a request. Then net.ipv4.tcp_tw_reuse=1 with timestamps, more source addresses, or more destinations.',
      command: 'sysctl net.ipv4.tcp_tw_reuse net.ipv4.tcp_timestamps',
    },
  ],
  machine: {
    title:
      '{who} (pid {pid}) cannot connect: no local port is left ({connections:count} connects failed)',
    variants: {
      threads: {
        title:
          'threads of {command}, each gone by now, cannot connect: no local port is left ({connections:count} connects failed)',
      },
      near: {
        title: 'local ports run out towards {server}: {used:count} of {ports:count} are in use',
      },
    },
  },
} as const satisfies CauseMessages
