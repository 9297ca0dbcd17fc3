import type { CauseMessages } from '../types.ts'
import { atTranslatingBox, connects } from './commands.ts'
import { connectSays } from './experiments.ts'

export const connectFiltered = {
  title: '{connections:count} connects to {server} got no answer at all: the SYNs are dropped',
  because: {
    ...connectSays,
    'syn-unanswered':
      'SYN sent {syns?once|{syns:count} times in {within:ms}} to {server}, nothing came back',
    'syn-lost': 'the SYNs left the client and are not in the capture at {server}',
    'syn-lost-in-box':
      'the capture shows both sides of the box that translates addresses here: the SYNs came into it and never went out on its other side',
    'syn-absent':
      'the capture at {server} has none of these SYNs, though it ran and has other packets',
    'one-port':
      'the capture at the server is of one other port only: a filter on that capture would hide port {port} too',
    'never-answered': '{server} answered nobody in the whole capture',
    'host-alive':
      '{host} itself is up: {packets:count} packets of it on other connections are in the capture',
    'answers-others': '{server} answered other connections before and after these SYNs',
    'answered-before': '{server} had answered others, though not while these SYNs were sent',
    'host-silent':
      'no packet of {host} is in the capture: the host may be down or the address wrong',
    'sent-once':
      '{once:count} such SYNs were sent once only: a kernel repeats its SYN after 1 s, a flood or a scan does not',
    'syn-seen-at-server': 'the unanswered SYNs did reach {server}: nothing on the way dropped them',
    'syn-arrived':
      'the SYNs are in a capture taken at {server}: only its own filter could drop them',
    'syn-sent':
      '{count:count} connects to {server} have sent their SYN up to {times:count} times without an answer',
    'own-drop':
      'at {times:count} of {of:count} repeats of these SYNs netfilter on this host dropped a packet within two milliseconds (NETFILTER_DROP; {drops:count} in all meanwhile): a rule of this host drops them, or their answers',
    'own-rule':
      'the rules of {where} drop such a SYN: nft chain {rule} (nft -a list ruleset shows the handles)',
    'own-rule-perhaps':
      'a rule of {where} may drop it, as far as its conditions can be told from here: nft chain {rule}',
    'no-address': 'the kernel tells no address of what a rule drops, only the moment',
    'not-own':
      'netfilter on this host dropped nothing when these SYNs were repeated ({times:count} times): it is not a rule of this host',
    'own-unknown':
      'whether a rule of this host drops them cannot be told: the kernel does not tell, too much happened at once, or too few SYNs were repeated meanwhile',
    'moments-unknown':
      'that netfilter dropped them in these very moments could not be seen: events are missing, too much happened at once, or too few SYNs were repeated meanwhile',
    'looks-alike': 'a full accept queue or a dead host look the same from here',
    'others-open': '{count:count} connections to {server} are open: not everything is filtered',
  },
  now: [
    {
      text: 'Fail over to another address or zone if there is one; restarting the client does not help.',
    },
    {
      text: 'Capture at both ends while it happens: on the client and on {host}.',
      command: "sudo tcpdump -nn -i any -w side.pcap 'tcp port {port} or icmp or icmp6'",
    },
  ],
  experiment: {
    command: connects,
    supports:
      'no SYN-ACK; as root: behind which hop SYNs get lost, and whether from beside the server too',
    refutes: 'it is answered, by SYN-ACK or RST',
  },
  confirm: [
    {
      text: 'Two captures show where the SYN is lost, or that the server got it and kept silent.',
      command: 'tcpwhy analyze --at client=client.pcap --at server=server.pcap',
    },
    {
      text: 'On the server: unchanged ListenDrops rule its queues out; a rising IPReversePathFilter means rp_filter.',
      command: 'nstat -az TcpExtListenDrops TcpExtIPReversePathFilter',
    },
  ],
  fix: [
    {
      text: 'Allow TCP to {server} in every filter of the path (security group, network ACL in both directions, host firewall), or repair the route.',
      command: 'traceroute -T -p {port} {host}',
      verify: connects,
    },
    {
      text: 'Where routes are asymmetric by design, loosen reverse-path filtering.',
      setting: 'net.ipv4.conf.all.rp_filter',
      command: 'sudo sysctl net.ipv4.conf.all.rp_filter=2',
      verify: connects,
    },
  ],
  variants: {
    'by-box': {
      title:
        '{connections:count} connects to {server} got no answer at all: the box that translates their addresses drops the SYNs',
      ...atTranslatingBox,
      fix: [
        {
          text: 'Allow TCP to {server} and to what it is translated to on that box, or repair its route to there.',
          command: 'sudo nft list ruleset; ip route',
          verify: connects,
        },
      ],
    },
  },
  machine: {
    title:
      '{connections:count} connects to {server} {connections?gets|get} no answer, seen from {of}',
    variants: {
      'own-filter': {
        title:
          '{connections:count} connects to {server} {connections?gets|get} no answer: a netfilter rule of {of} itself drops the SYNs',
        now: [
          {
            text: 'Look for the rule on {of}: in the namespace of the client (output), of the server (input), or in between (forward).',
            command: "sudo nft -a list ruleset | grep -nE 'drop|dport {port}'",
          },
        ],
        confirm: [
          {
            text: 'The trace names the rule that drops the next SYN: add it, connect once, remove the table again.',
            command:
              "sudo nft 'add table inet why; add chain inet why i { type filter hook prerouting priority -400; }; add chain inet why o { type filter hook output priority -400; }; add rule inet why i tcp dport {port} meta nftrace set 1; add rule inet why o tcp dport {port} meta nftrace set 1' && sudo timeout 10 nft monitor trace; sudo nft delete table inet why",
          },
        ],
        fix: [
          {
            text: 'Allow TCP to port {port} before the rule that drops it, in the rules of this host.',
            verify: connects,
          },
        ],
      },
    },
  },
} as const satisfies CauseMessages
