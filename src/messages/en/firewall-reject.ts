import type { CauseMessages } from '../types.ts'
import { atTranslatingBox, connects } from './commands.ts'
import { connectSays } from './experiments.ts'

export const firewallReject = {
  title:
    '{connections:count} connections to {server} {connections?was|were} rejected by {by}, not by the server',
  because: {
    ...connectSays,
    listens: 'a process of this host listens at {server}: its own TCP would not refuse',
    'kernel-refused-nobody':
      'and the kernel sent no reset from there: a filter (nft, iptables) made it',
    'icmp-prohibited':
      '{from} answered the SYN with ICMP {meaning} (code {code}): a filter says so itself',
    'icmp-port':
      '{from} answered the SYN with ICMP {meaning} (code {code}): a host would send RST, a reject rule sends this',
    'icmp-in-use':
      '{from} answered a packet of the established connection with ICMP {meaning} (code {code}): a reject rule sends this, for connections in use too',
    'own-address': "{from} is the server's own address: the rule is on the server itself",
    'translated-address':
      '{from} is an address that a box on the way translates: that box, or a filter behind it, answers in its name',
    'syn-answered': 'the SYN was answered by RST,ACK with seq 0 and window 0 after {after:ms}',
    'segment-answered':
      'a segment of {len:octets} was answered by a bare RST (window 0, no options) after {after:ms}',
    'foreign-ttl':
      "the reset arrived with TTL {ttl}, the server's own packets with {usual}: another machine sent it",
    'never-sent': 'the capture at {server} has neither the SYN nor this reset',
    'refused-in-box':
      'the capture shows both sides of the box that translates addresses here: the SYN came into it and never went out, and the reset came out and never went in',
    'box-itself':
      'the TCP of that box sends the same where {server} is its own address, no rule forwards that port and nothing listens there',
    'stopped-in-box':
      'the capture shows both sides of the box that translates addresses here: that segment came into it and never went out, and the reset came out and never went in',
    'one-port':
      'the capture at the server is of one other port only: a filter on that capture would hide port {port} too',
    'segment-stopped':
      'that segment never reached the other side, nor did that side send the reset',
    'may-be-forged': 'whether the rejected segment went on to the server is not in this capture',
    'all-cut': '{alike:count} connections to this port were cut like this',
    'nobody-after': '{server} answered nobody any more from then on',
    'server-alike':
      "the resets have the server's TTL {ttl}: a server that lost its connections would send the same, the kernel's own counters (TcpOutRsts) tell",
    'accepts-between':
      '{server} accepted others ({served:count} in all) between its refusals ({for:ms} from the first to the last): something lets so many in and no more',
    instances: 'several instances behind one address, one of them down, look the same',
    'after-silence':
      'the reset came after {silence:ms} of silence: a middlebox that forgot the connection looks the same',
  },
  now: [
    {
      text: 'Find the rule: list the rules and counters of every filter between client and server, and who changed them last.',
      command: 'sudo nft list ruleset; sudo iptables -nvL',
    },
  ],
  experiment: {
    command: connects,
    supports:
      'refused by ICMP, or by a RST that comes from a nearer hop than the one that SYNs have to reach',
    refutes: 'served, or refused from as far away as the server itself: nothing listens there',
  },
  confirm: [
    {
      text: "A capture at the server without these packets proves that it never answered; the server's TcpOutRsts stands still.",
      command: 'tcpwhy analyze --at client=client.pcap --at server=server.pcap',
    },
  ],
  fix: [
    {
      text: 'Allow TCP to {server} in that filter (and keep established connections accepted when rules are reloaded).',
      command: 'sudo nft list ruleset',
      verify: connects,
    },
  ],
  variants: {
    'by-box': {
      title:
        '{connections:count} connections to {server} {connections?was|were} refused or cut by the box that translates their addresses, not by the server',
      ...atTranslatingBox,
      fix: [
        {
          text: 'Change that rule; where none matches, the rule that should forward {server} is missing.',
          command: 'sudo nft list ruleset',
          verify: connects,
        },
      ],
    },
    'own-rule': {
      experiment: {
        command: connects,
        supports:
          'refused from as far away as the server itself, and on the server (127.0.0.1 and the port) it is taken',
        refutes: 'refused there too: nothing listens',
      },
      title:
        '{connections:count} connections to {server} {connections?was|were} rejected by a rule on the server itself (REJECT), its program untouched',
    },
  },
} as const satisfies CauseMessages
