import type { CauseMessages } from '../types.ts'
import { survivedIdle } from './commands.ts'

export const wrongHost = {
  title: 'another machine answers as {address}: {connections:count} connections met a stranger',
  because: {
    'habits-changed':
      'from this frame on {host} has other habits (TTL, link address or timestamp clock)',
    'second-ttl':
      'packets of {host} arrive with TTL {ttls}: the reset (TTL {ttl}) has not that of its connection but that of others',
    'not-the-captured':
      'the machine that is captured as {host} did not send the reset, and whoever did serves other connections under that address',
    'same-distance':
      'TTL {ttl} is as many hops away as the usual one: one machine with two initial TTLs looks the same',
    'unknown-to-it':
      '{times:count} times the answer to a segment of a living connection was a bare RST: the answerer did not know it',
    'several-clients': '{clients:count} clients met it',
    'only-one': 'only one connection shows it',
  },
  now: [
    {
      text: 'Look for a duplicate address, a fail-over, or a load balancer that sent living connections to another backend at that time.',
      command: 'ip neigh show {address}; sudo arping -D -c 3 -I DEV {address}',
    },
  ],
  experiment: {
    command: survivedIdle,
    supports:
      'a connection ends by a RST with another TTL than its SYN-ACK had (as root: by a middlebox)',
    refutes: 'none ends: the address belongs to one host now',
  },
  confirm: [
    {
      text: 'A capture at the right server shows that it heard nothing more.',
      command: 'tcpwhy analyze --at client=client.pcap --at server=server.pcap',
    },
  ],
  fix: [
    {
      text: 'Remove the duplicate address, or repair what moves it (VRRP, keepalived, cloud failover).',
    },
    {
      text: 'Load balancer: keep connections where they are when the set of backends changes (consistent hashing with connection tracking, draining).',
      verify: 'tcpwhy analyze --at client=client.pcap --at server=server.pcap',
    },
  ],
} as const satisfies CauseMessages
