import type { CauseMessages } from '../types.ts'
import { connects } from './commands.ts'
import { connectSays } from './experiments.ts'

export const hostUnreachable = {
  title: '{host} cannot be reached: {router} answered {connections:count} connects with ICMP',
  because: {
    ...connectSays,
    icmp: '{from} answered the SYN for {host} with ICMP {meaning}',
    'hop-limit': '{from} threw the SYN for {host} away because its hop limit ran out',
    'host-silent': 'no packet of {host} itself is in the capture',
    'host-answers': '{host} did answer elsewhere: {packets:count} packets of it are in the capture',
  },
  now: [
    {
      text: 'Send the traffic to another address, and see from {router} why there is no way: the host down, its address wrong, a route gone.',
      command: 'ip route get {host}; ip neigh show {host}',
    },
  ],
  experiment: {
    command: connects,
    supports: 'unreachable: ICMP, as root with the address that sends it',
    refutes: 'SYN-ACK or RST: the host can be reached from here',
  },
  confirm: [
    {
      text: 'From {router} or a host beside it: does {host} answer, and does ARP or neighbour discovery succeed?',
      command: 'ping -c 3 {host}; ip neigh show {host}',
    },
  ],
  fix: [
    {
      text: 'Start the host, correct the address in the client, or restore the route on {router}.',
      command: 'ip route get {host}',
      verify: connects,
    },
  ],
  variants: {
    'routing-loop': {
      title: 'the route to {host} is a loop: {router} gave up on {connections:count} connects',
      fix: [
        {
          text: 'Two routers point at each other for {host}: the same hops come again and again in a traceroute.',
          command: 'traceroute -n {host}',
          verify: connects,
        },
      ],
    },
  },
} as const satisfies CauseMessages
