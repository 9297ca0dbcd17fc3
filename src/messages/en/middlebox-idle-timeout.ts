import type { CauseMessages } from '../types.ts'
import { survivedIdle } from './commands.ts'
import { apartSays } from './experiments.ts'

const now = [
  {
    text: 'Turn on TCP keepalive below the limit in clients or server (60 s is usual), or retire pooled connections before it: no restart of the server is needed, its sockets are healthy.',
  },
] as const

const fix = [
  {
    text: 'Let clients drop idle connections before the device does: Go Transport.IdleConnTimeout, Apache HttpClient evictIdleConnections, HikariCP maxLifetime and keepaliveTime, undici keepAliveTimeout; or let the server announce Keep-Alive: timeout=N.',
    verify: survivedIdle,
  },
  {
    text: 'TCP keepalive refreshes the device as well. Linux default is 7200 s, too late for most; and the socket must have SO_KEEPALIVE. Go net.Dialer.KeepAliveConfig, Java ExtendedSocketOptions.TCP_KEEPIDLE, nginx so_keepalive=60s:60s:5, PostgreSQL tcp_keepalives_idle = 60.',
    setting: 'net.ipv4.tcp_keepalive_time',
    command: 'sysctl -w net.ipv4.tcp_keepalive_time=60',
    verify: "ss -tno '( dport = :{port} )'",
  },
  {
    text: 'Or raise the limit of the device: AWS NLB tcp.idle_timeout.seconds, Azure idleTimeoutInMinutes with TCP reset on, IPVS ipvsadm --set, nf_conntrack_tcp_timeout_established.',
  },
] as const

export const middleboxIdleTimeout = {
  title:
    'something between the clients and {server} forgets connections that were idle for {died:ms}',
  because: {
    ...apartSays,
    'idle-here':
      '{count:count} connections with {peer} have no keepalive that comes in time, and have been silent for up to {idle:ms}',
    'forgets-here':
      'the connection tracking of {where} on this host forgets a connection that is silent for {limit:ms}',
    'keepalive-late': '{count:count} of them have keepalive, whose next probe comes after that',
    strict: 'net.netfilter.nf_conntrack_tcp_loose is 0: what was forgotten is invalid from then on',
    loose:
      'nf_conntrack_tcp_loose is on: a forgotten connection that speaks again is tracked anew, unless NAT or a rule that drops what is not a SYN stands in its way',
    'not-tried': 'none of them has died of it yet; the program may speak in time by itself',
    'silence-reset': 'after {silence:ms} of silence the next packet was answered by RST at once',
    'silence-drop':
      'after {silence:ms} of silence the same data was sent again and again without any answer from {server}',
    'silence-drop-only':
      'after {silence:ms} of silence the same data was sent again and again without any answer, while {server} answered other connections',
    'silence-fin':
      'after {silence:ms} of silence the FIN was sent again and again without any answer from {server}',
    'silence-fin-only':
      'after {silence:ms} of silence the FIN was sent again and again without any answer, while {server} answered other connections',
    'others-not-seen':
      'nobody else was answered meanwhile either: the whole path may have been lost',
    'silence-nat-state-lost':
      '{silence:ms} after the last packet of the old connection its data came from another address or port and was answered by RST',
    'proof-reset': 'the capture on the other side shows that the server never sent this reset',
    'proof-data': 'the capture on the other side shows that the data never arrived there',
    'proof-fin': 'the capture on the other side shows that the FIN never arrived there',
    'box-reset':
      'the capture shows both sides of the box that translates addresses here: this reset came out of it and never went in',
    'box-data':
      'the capture shows both sides of the box that translates addresses here: the data came into it and never went out',
    'box-fin':
      'the capture shows both sides of the box that translates addresses here: the FIN came into it and never went out',
    'proof-renamed':
      'the capture at the server shows this segment coming from {now}, a port that the server has no connection with: a NAT on the way forgot its entry',
    'experiment-agrees':
      'the experiment found the same limit: a connection that is silent dies between {from:ms} and {to:ms}',
    'experiment-survived':
      'the experiment contradicts it: its connections survived a silence of {survived:ms}, longer than the {silence:ms} here',
    'experiment-differs':
      'the experiment found a limit too, between {from:ms} and {to:ms}, though there it ends otherwise ({how})',
    'experiment-shorter':
      'the limit of the experiment, between {from:ms} and {to:ms}, is another: here a silence of {survived:ms} was survived on that path',
    'experiment-server':
      'the experiment found that the server itself closes, after between {from:ms} and {to:ms}: sooner than this',
    'experiment-other-ttl':
      "the experiment found a limit between {from:ms} and {to:ms}, but its resets had another TTL than the server's packets, and this one has the same",
    continues:
      'the data continues exactly the sequence numbers of {old}, but comes from {now}: a NAT forgot its entry',
    'other-ttl': 'the reset has TTL {ttl}, the other packets of that address have {usual}',
    'no-fin': 'the {who} had not closed before: no FIN from it is in the capture',
    interval:
      'the limit lies between {survived:ms} (a silence that survived) and {died:ms} (the shortest that died)',
    several: '{count:count} connections died this way, the shortest silence being {died:ms}',
    default: '{s} s is the default of {who}',
    'same-ttl':
      "the reset has TTL {ttl}, as the server's other packets: a server that lost its state would look the same",
    'ttl-unknown': 'the TTL is not in the capture, so the sender of the reset cannot be told apart',
    'server-default':
      '{s} s is also a server default ({who}): the FIN may have been lost or left out',
    together:
      'the server ended several connections in the same instant: it may have been restarted',
    'one-moment':
      'one event can have ended {count?it|all}: silent for {from:ms} to {to:ms}, none answered since. A rule inserted, or a box restarted, in that time looks the same; no limit is shown',
    'survived-longer':
      'a silence of {survived:ms} survived on the same path, longer than the {silence:ms} here',
  },
  now,
  experiment: {
    command: survivedIdle,
    supports: 'connections die after about the silence seen here, by a middlebox (as root)',
    refutes: 'longer silences are survived, or the server itself closes (FIN)',
  },
  confirm: [
    {
      text: 'Capture at both ends: the server must not have sent the reset, or not have received the data.',
      command: 'tcpwhy analyze --at client=client.pcap --at server=server.pcap',
    },
  ],
  fix,
  machine: {
    variants: {
      unguarded: {
        title:
          '{connections:count} idle connections with {peer} will be forgotten by the connection tracking of {of}: silent for {limit:ms}, and no keepalive in time',
        now: [],
        confirm: [
          {
            text: 'The entry counts down, and is gone before the connection speaks.',
            command: 'sudo conntrack -L -p tcp --dport {port}',
          },
        ],
        fix: [
          {
            text: 'Keepalive below the limit in the program (SO_KEEPALIVE with TCP_KEEPIDLE), or retire idle connections before it.',
            verify: "ss -tno '( dport = :{port} or sport = :{port} )'",
          },
          {
            text: 'Or let connection tracking remember longer.',
            setting: 'net.netfilter.nf_conntrack_tcp_timeout_established',
            command: 'sudo sysctl net.netfilter.nf_conntrack_tcp_timeout_established=432000',
            verify: 'sysctl net.netfilter.nf_conntrack_tcp_timeout_established',
          },
        ],
      },
    },
  },
  variants: {
    'nat-state-lost': {
      title:
        'a NAT between the clients and {server} lost the state of {connections:count} idle connections',
      confirm: [
        {
          text: 'On the NAT the entry is gone or new: watch it while the connection is idle.',
          command: 'conntrack -E -p tcp --dport {port}',
        },
      ],
    },
  },
} as const satisfies CauseMessages
