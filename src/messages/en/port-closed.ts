import type { CauseMessages } from '../types.ts'
import { connects, resetReasons } from './commands.ts'
import { connectSays, loadSays } from './experiments.ts'

export const portClosed = {
  title: '{server} refused {connections:count} connections: nothing is listening on that port',
  because: {
    ...connectSays,
    ...loadSays,
    'syn-answered': 'the SYN was answered by RST,ACK with seq 0 and window 0 after {after:ms}',
    'reset-alone': 'a RST,ACK with seq 0 and window 0, as one that answers a SYN',
    'syn-not-seen': 'the SYN it would answer is not in the capture',
    'syn-absent':
      'the capture at {server} has no such SYN and no such reset, though it ran and has other packets',
    'same-ttl': "the reset has TTL {ttl}, as the server's other packets have",
    'ttl-unknown':
      'nothing shows the TTL of the server itself, so a firewall on the way cannot be told apart',
    'sent-by-server': 'the capture at the server shows the SYN arriving and this reset leaving',
    'many-ports': 'the same client was refused on {ports:count} ports of this host',
    'own-rule':
      'a rule of the firewall on {server} itself (REJECT with tcp-reset) would send the same reset: the kernel tells the two apart, packets do not',
    'came-back':
      '{server} accepted others ({served:count}) before and after; it refused from {at:time} on, for {for:ms}: a restart, or one of several instances is down',
    'served-before':
      '{server} accepted {served:count} connections earlier in this capture: it stopped listening',
    'not-from-server':
      'the capture at {server} does not have this refusal: the server never sent it',
    'foreign-ttl':
      "the refusal has TTL {ttl}, the server's own packets have {usual}: another machine sent it",
    'never-served': 'no connection to {server} was accepted in the whole capture',
    'accepts-between':
      '{server} accepted others ({served:count} in all) between its refusals ({for:ms} from the first to the last): it listens. A rule that limits new connections (REJECT in iptables or nft, on the server too) does that, or one of several instances that is down',
    'served-otherwise':
      '{served:count} other connections to {server} {served?was|were} accepted in this capture',
    'no-socket':
      'the kernel says NO_SOCKET for {count:count} resets: nothing of this host takes port {port}',
    elsewhere:
      'something listens on port {port}, at another address or in another network namespace',
    'listens-since': '{who} listens at {server} now; when the watch began nobody did, or another',
    'listens-now':
      '{who} has listened at {server} at both looks: the refused came in between, or from another network namespace',
    'or-unknown':
      'the packet may have belonged to a connection that this host does not know any more: a capture would show whether it was a SYN',
  },
  now: [
    {
      text: 'See whether the service is up and on which address it listens.',
      command: 'ss -ltnp sport = :{port}',
    },
  ],
  experiment: {
    command: connects,
    supports: 'refused by a RST from as far away as the server itself',
    refutes: 'taken, or refused by a nearer hop (a firewall)',
  },
  confirm: [
    {
      text: "The kernel's reason for these resets is NO_SOCKET when nothing listens.",
      command: resetReasons,
    },
  ],
  fix: [
    {
      text: 'Start the service, or make it listen on the address the clients use (0.0.0.0 or {address}, not 127.0.0.1).',
      command: 'ss -ltnp sport = :{port}',
      verify: connects,
    },
  ],
  variants: {
    'port-scan': {
      title:
        '{client} tried many ports of {address}: {connections:count} refused, no service is missing',
      now: [
        { text: 'See who {client} is: a scanner, a monitoring system, or a wrong configuration.' },
      ],
      fix: [{ text: 'Nothing to repair on the server; stop or allow the scan at {client}.' }],
    },
  },
  machine: {
    title: '{server} refuses: {connections:count} resets, nothing is listening there',
    variants: {
      'listens-again': {
        title:
          '{server} refused {connections:count} connects while nothing listened there; it is listened at again',
        now: [
          {
            text: 'See whether that was a restart: when did the process start, and why?',
            command: "sudo ss -ltnp 'sport = :{port}'",
          },
        ],
        fix: [
          {
            text: 'Take the instance out of rotation before it is restarted, or hand the listening socket over (systemd socket activation, SO_REUSEPORT).',
            verify: connects,
          },
        ],
      },
    },
  },
} as const satisfies CauseMessages
