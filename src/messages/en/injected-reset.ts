import type { CauseMessages } from '../types.ts'
import { serves } from './commands.ts'
import { connectSays } from './experiments.ts'

export const injectedReset = {
  title:
    '{connections:count} connections with {server} {connections?was|were} cut by resets that the {side} did not send',
  because: {
    ...connectSays,
    'never-sent': 'the reset is not in the capture at the {side}, which is said to have sent it',
    'made-in-box':
      'the capture shows both sides of the box that translates addresses here: the reset in the name of the {side} came out of it and never went in',
    'was-sent': 'the capture at the {side} shows it sending the reset: nobody forged it',
    'segment-passed': 'the segment it answers did reach its destination: nothing rejected it',
    'segment-stopped':
      'the segment it answers did not reach its destination: a reject rule does that too',
    'foreign-ttl': "the reset's TTL is {ttl}, all other packets of that side have {usual}",
    'ttl-of-handshake':
      "the reset's TTL is {ttl}, as in the handshake, all data of that side have {usual}: a box in between (a proxy with delayed binding) speaks for it",
    'no-timestamps':
      'the reset has ACK but no timestamps, which the sender had put on every segment of this connection',
    'kept-talking': 'after its alleged reset that side sent {len:octets} of new data',
    volley: '{resets:count} resets at different sequence numbers within a moment: a forger guesses',
    'too-fast': 'it came {after:ms} after the segment it answers; the round trip takes {rtt:ms}',
    'ip-id': "its IP ID {ipId} does not fit the sender's counter",
    ignored: 'the receiver did not accept it: the sequence number was wrong',
    'after-silence':
      'it came after {silence:ms} of silence: a middlebox that forgot the connection looks the same',
    'ttl-of-host': 'other packets of that address have TTL {ttl} too: it may be a second machine',
    'like-a-rule':
      'it is the exact reply to one segment (right sequence number, window 0): reject rules and real stacks send that',
  },
  now: [
    {
      text: 'Capture at both ends at once; the pair proves it and shows on which side of the path the device sits.',
      command: "sudo tcpdump -nn -i any -w side.pcap 'tcp port {port}'",
    },
  ],
  experiment: {
    ...serves,
    supports:
      'the request is reset each time from here (reset-on-request, reset-in-handshake), and served from beside the server',
    refutes: 'it is served from here, each time',
  },
  confirm: [
    {
      text: 'A reset that arrives and was never sent is proof.',
      command: 'tcpwhy analyze --at client=client.pcap --at server=server.pcap',
    },
    {
      text: "The alleged sender's TcpOutRsts and tcp_send_reset events stand still.",
      command: 'nstat -n; sleep 30; nstat -az TcpOutRsts',
    },
  ],
  fix: [
    {
      text: 'Ask who runs a firewall, intrusion prevention, content filter or carrier gateway on the path; compare its logs with these times and exempt {server}.',
      verify: 'tcpwhy analyze --at client=client.pcap --at server=server.pcap',
    },
    {
      text: 'Where the device acts on content or server names, an encrypted tunnel between the ends takes the ground from it.',
    },
  ],
  variants: {
    ignored: {
      title:
        'somebody sends resets in the name of the {side} into {connections:count} connections with {server}; {connections?it was|they were} ignored',
    },
  },
} as const satisfies CauseMessages
