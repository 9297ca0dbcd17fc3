import type { CauseMessages } from '../types.ts'
import { connects } from './commands.ts'

export const asymmetricPath = {
  title: 'packets {direction} do not arrive: {connections:count} connections with {server}',
  because: {
    'syn-arrives': 'the SYN ({syns:count} times) reached the server',
    'syn-ack-lost': 'the SYN-ACK left the server {times:count} times and never reached the client',
    'syn-ack-in-box':
      'the capture shows both sides of the box that translates addresses here: the SYN-ACK came into it {times:count} times and never went out to the client',
    'syn-repeated': 'the client sent its SYN {syns:count} times: it did not hear the answer',
    'syn-ack-repeated': 'the server sent its SYN-ACK {synAcks:count} times and never got an ACK',
    'answers-lost':
      "the client's segments reached the server; {times:count} segments of the server did not reach the client",
    'answers-unheard':
      'the client asked the same {asked:count} more times though the server answered {answered:count} times, and acknowledged nothing',
    'data-unheard':
      "after the handshake the client's data was sent {times:count} times and never acknowledged, nor was anything else heard",
    'ack-ignored':
      "the server repeated its SYN-ACK {times:count} times after the client's ACK and took none of its data",
    'client-lost':
      '{times:count} segments of the client after the SYN are not in the capture at the server',
    'nobody-served': 'no connection to this port was served in the whole capture',
    'scan-alike':
      'a scanner, or a SYN with a forged address, never sends an ACK either; who had not heard the SYN-ACK would have repeated its SYN',
    'queue-alike': 'a full accept queue looks the same from the client',
    'no-longer-heard':
      'at first the client heard the server; then it asked the same {asked:count} more times though the server answered {answered:count} times, and acknowledged nothing more',
    'others-served': '{served:count} other connections to this port {served?was|were} served',
  },
  now: [
    {
      text: 'Compare the way there with the way back: different firewalls, load balancers or NAT gateways see only half of the connection.',
      command: 'traceroute -T -p {port} {host}; ip route get {host}',
    },
  ],
  experiment: {
    command: connects,
    supports: 'SYNs get no answer from where the trouble is, and are answered from another network',
    refutes: 'the handshake is done, from the very place where the trouble was',
  },
  confirm: [
    {
      text: 'Captures at both ends show which packets leave and do not arrive.',
      command: 'tcpwhy analyze --at client=client.pcap --at server=server.pcap',
    },
  ],
  fix: [
    {
      text: 'Make both directions pass the same stateful device: repair the return route, or use source NAT at the load balancer.',
      command: 'ip route get {host}',
      verify: connects,
    },
    {
      text: 'A filter that must see half of the traffic needs a stateless rule for it, and rp_filter=2 on hosts with two interfaces.',
      setting: 'net.ipv4.conf.all.rp_filter',
      command: 'sudo sysctl net.ipv4.conf.all.rp_filter=2',
      verify: connects,
    },
  ],
} as const satisfies CauseMessages
