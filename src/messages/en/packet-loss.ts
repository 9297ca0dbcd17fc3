import type { CauseMessages } from '../types.ts'
import { oneShots } from './commands.ts'

export const packetLoss = {
  title: 'packets between {client} and {peer} are lost ({rate} of the data had to be sent again)',
  because: {
    'rate-more':
      '{losses:count} of {packets:count} data segments ({rate}) had to be sent again, on {count:count} connections ({listed:count} of them noticeably, the others lost one or two), and arrived then',
    'syns-lost':
      'two captures: {lost:count} SYNs left the client and never came to the server, on {count:count} connections, each of which got in with a later one ({seen:count} SYNs of such connections were compared)',
    'perhaps-a-rule':
      'a rule on the way that limits new connections (rate limit, SYN protection) drops SYNs in the same way',
    'perhaps-elsewhere':
      '{peer} is an address that a box on the way translates: it may have sent them to another server, one that is down',
    rate: '{losses:count} of {packets:count} data segments ({rate}) had to be sent again, on {count:count} connections, and arrived then',
    proven:
      'two captures: {lost:count} of {compared:count} data segments compared left one end and never arrived at the other, on {count:count} connections',
    others: 'all other paths in this capture lost {rate} of {packets:count}',
    'lost-in-box':
      'the capture shows both sides of the box that translates addresses here: {segments:count} segments came into it and never went out',
    'lost-between':
      'of the segments compared {segments:count} left one end and did not arrive at the other',
    'lost-near':
      'of the segments compared {segments:count} were lost between client and router: look there first',
    'lost-in-router':
      'of the segments compared {segments:count} came into the router and never went out: look there first',
    'lost-far':
      'of the segments compared {segments:count} were lost between router and server: look there first',
    'duplicate-acks': 'the receivers reported holes: {count:count} duplicate acknowledgements',
    undecided:
      '{count:count} more came after later ones: sent again or overtaken on the way, this capture cannot tell (no IP-ID that counts, equal timestamps)',
    'acks-lost':
      'on {count:count} connections the ACK that ends the handshake left the client and never reached the server, which repeated its SYN-ACK',
    outage:
      'for {for:ms} from {at:time} on nothing was answered on any connection of this path although data was sent ({count:count} connections)',
    'went-on': '{count:count} connections went on afterwards',
    'nothing-to-compare': 'there is no other path in the capture to compare with',
    single: 'only one connection was busy at that time',
    'capture-dropped':
      'the capture itself lost {dropped:count} packets: some of this may be its own loss',
  },
  now: [
    {
      text: 'See whether an interface on either host counts errors or drops.',
      command: 'ip -s link; nstat -az TcpRetransSegs TcpExtTCPLostRetransmit',
    },
  ],
  experiment: {
    ...oneShots,
    supports:
      'some handshakes take a second longer, or answers 0.2 s and more: what was lost had to be sent again',
    refutes: 'none is late',
  },
  confirm: [
    {
      text: 'A second capture point tells where the segments vanish.',
      command: 'tcpwhy analyze --at client=client.pcap --at server=server.pcap',
    },
    { text: 'Hop by hop, for some minutes.', command: 'mtr -wzbc 200 {peer}' },
    {
      text: 'On a host that receives: drops in the receive path are named there.',
      command:
        'nstat -az TcpExtTCPRcvQDrop TcpExtTCPBacklogDrop; ip -s -s link; cat /proc/net/softnet_stat',
    },
  ],
  fix: [
    {
      text: 'Replace or repair what drops: cable, optics, duplex mismatch, an overloaded link, queue or policer; for virtual machines their packet-per-second limits.',
    },
    {
      text: 'On the receiving host: larger rings and receive queues if counters rise.',
      command: 'ethtool -S DEVICE | grep -iE "drop|miss|err"',
    },
  ],
  variants: {
    'handshake-ack': {
      title:
        'the last ACK of {connections:count} handshakes from {client} with {peer} never arrived, though their data did: something drops bare ACKs',
      confirm: [
        {
          text: 'Look for a rule or a device between the two that drops segments without payload (state not yet known, rate limits, wrong length checks).',
          command: 'sudo nft list ruleset; sudo iptables -nvL',
        },
      ],
    },
    syns: {
      title:
        '{lost} SYNs from {client} to {peer} were lost on the way: {connections:count} connects had to wait',
      confirm: [
        {
          text: 'Rules and limits on the way that count new connections (hashlimit, connlimit, SYN protection), and drops of interfaces and conntrack.',
          command:
            "sudo nft list ruleset | grep -iE 'limit|ct count'; sudo conntrack -S; ip -s link",
        },
      ],
    },
    outage: {
      experiment: {
        ...oneShots,
        supports: 'nothing is late or lost now: it is over',
        refutes: 'it is still late or lost: no outage, lasting loss',
      },
      title: 'the path between {client} and {peer} was dead for {outage:ms}, then went on',
      confirm: [
        {
          text: 'Look for that moment in the logs of switches, routers, hypervisors (failover, migration, reload); the capture gives its time.',
        },
        {
          text: 'A second capture point tells where the segments vanish.',
          command: 'tcpwhy analyze --at client=client.pcap --at server=server.pcap',
        },
      ],
    },
  },
} as const satisfies CauseMessages
