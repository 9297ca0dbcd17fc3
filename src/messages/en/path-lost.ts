import type { CauseMessages } from '../types.ts'
import { connects } from './commands.ts'
import { silenceSays } from './experiments.ts'

export const pathLost = {
  title: 'nothing comes back from {peer} any more: {connections:count} connections timed out',
  because: {
    ...silenceSays,
    'data-again':
      'the {who} sent the same {octets:octets} {times} times over {span:ms}, nothing came back',
    'fin-again': 'the {who} sent its FIN {times} times over {span:ms}, nothing came back',
    'fin-unacked':
      'the {who} sent its FIN {times} times over {span:ms} and it was never acknowledged, although the other side was heard later',
    'no-reset': 'no RST: Linux gives up in silence when retransmissions go unanswered',
    icmp: 'a router ({from}) reported {meaning} meanwhile',
    together: '{count:count} connections to that server fell silent at about the same time',
    'others-answered': '{server} answered other connections after that: not the whole path is lost',
    'already-over':
      'both sides had closed and all data was acknowledged: only the farewell is lost',
    'after-silence':
      'it began after a silence of {idle:ms}: a device may have forgotten the connection',
    retransmits:
      '{count:count} connections whose data was sent {times:count} times more without an acknowledgement',
    owner: 'of {who} (pid {owner}) among others',
    'others-acknowledged':
      'other connections with {address} were acknowledged meanwhile: the path is not lost for all',
  },
  now: [
    {
      text: 'Is the peer up? Is it this path only?',
      command: 'ping -c 3 {peer}; ip route get {peer}; tracepath -n {peer}',
    },
  ],
  experiment: {
    command: connects,
    supports: 'no SYN-ACK while it lasts; as root: behind which hop SYNs get lost',
    refutes: 'the handshake is done: not the path, only those connections (or that time) were lost',
  },
  confirm: [
    {
      text: 'Capture at both ends: where do the segments stop?',
      command: 'tcpwhy analyze --at client=client.pcap --at server=server.pcap',
    },
    {
      text: 'On {sender}: TcpExtTCPAbortOnTimeout rises, the application gets ETIMEDOUT (or EHOSTUNREACH when ICMP was seen).',
      command: 'nstat -az TcpExtTCPAbortOnTimeout',
    },
  ],
  fix: [
    { text: 'Repair the link, route, host or firewall that swallows the packets.' },
    {
      text: 'Notice sooner: Linux retransmits for about 924 s by default. TCP_USER_TIMEOUT per socket (gRPC does so), or fewer retries.',
      setting: 'net.ipv4.tcp_retries2',
      command: 'sysctl -w net.ipv4.tcp_retries2=8',
    },
    {
      text: 'Timeouts in the application, and retries on a fresh connection for requests without side effects.',
    },
  ],
  variants: {
    'fin-lost': {
      title:
        'the FIN of {sender} was never acknowledged by {peer} on {connections:count} connections',
    },
  },
  machine: {
    title:
      'nothing comes back from {peer}: {connections:count} connections of this host retransmit',
    confirm: [
      {
        text: 'The timer is on, and the count of retransmissions rises.',
        command: "ss -tnoi 'dst {peer}'",
      },
    ],
  },
} as const satisfies CauseMessages
