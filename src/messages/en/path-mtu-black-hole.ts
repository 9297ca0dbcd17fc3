import type { CauseMessages } from '../types.ts'
import { uploads } from './commands.ts'
import { uploadSays } from './experiments.ts'

export const pathMtuBlackHole = {
  title:
    'segments of {lost:octets} and more from {sender} to {receiver} never arrive, shorter ones do',
  because: {
    ...uploadSays,
    'long-lost':
      'the {who} sent a segment of {octets:octets} {times} times over {span:ms}, it was never acknowledged',
    'lost-between':
      'two captures: {segments:count} long segments of the {who} left and did not arrive, its bare acknowledgments did',
    'short-passed':
      'data of up to {passed:octets} was acknowledged on the same connection, nothing of {lost:octets} or more',
    'short-passed-elsewhere':
      'data of up to {passed:octets} was acknowledged on other connections of the two, nothing of {lost:octets} or more',
    'peer-heard': 'the {who} was heard meanwhile: the path as such works',
    several: '{count:count} connections between the two have the same limit',
    'mss-allows': 'the handshake allowed segments of {mss:octets}',
    'no-icmp':
      'no "fragmentation needed" or "packet too big" is in the capture: somebody filters it',
    icmp: '{from} reported an MTU of {mtu}, and the sender went on with the same size',
    hole: 'the {who} has sent {missing:octets}, by its later sequence numbers, that did not come in {for:ms} and were never acknowledged',
    'full-segments':
      'that is exactly {segments:count} full {segments?segment|segments} of {full:octets}, as the handshake allows them',
    'short-came': 'shorter ones came: the longest has {passed:octets}, none has {full:octets}',
    'heard-after': 'short segments of it came {after:ms} later still: the path as such works',
    'sender-unseen':
      'seen from the receiving end only: whether the long segments left, a capture at the sender would show',
    'no-short-data': 'no shorter data was sent on this connection for comparison',
  },
  now: [
    {
      text: 'Relief without touching the network: let {sender} send smaller segments to that destination.',
      command: 'ip route replace {receiver} via GATEWAY advmss 1200 mtu lock 1280',
    },
  ],
  experiment: {
    ...uploads,
    supports: 'short requests are answered, and long bodies or answers stop on the way (timeout)',
    refutes: 'bodies of 64 kB are taken and answered',
  },
  confirm: [
    {
      text: 'Find the largest packet that passes (1472 + 28 octets of headers make 1500).',
      command: 'ping -M do -s 1472 -c 3 {receiver}; tracepath -n {receiver}',
    },
    {
      text: 'Capture at both ends shows which sizes arrive.',
      command: 'tcpwhy analyze --at client=client.pcap --at server=server.pcap',
    },
  ],
  fix: [
    {
      text: 'Let ICMP type 3 code 4 (IPv6: type 2) through firewalls and security groups, in both directions.',
      command: 'nft add rule inet filter input icmp type destination-unreachable accept',
    },
    {
      text: 'Clamp the MSS where the tunnel begins.',
      command: 'nft add rule inet filter forward tcp flags syn tcp option maxseg size set rt mtu',
    },
    {
      text: 'Let senders find the size themselves (RFC 4821).',
      setting: 'net.ipv4.tcp_mtu_probing',
      command: 'sysctl -w net.ipv4.tcp_mtu_probing=1',
      verify: 'nstat -az TcpExtTCPMTUPSuccess',
    },
  ],
} as const satisfies CauseMessages
