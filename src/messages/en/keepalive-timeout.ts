import type { CauseMessages } from '../types.ts'
import { resetReasons, survivedIdle } from './commands.ts'
import { silenceSays } from './experiments.ts'

export const keepaliveTimeout = {
  title:
    '{peer} no longer answers: {prober} ended {connections:count} connections after unanswered keepalive probes',
  because: {
    ...silenceSays,
    'too-late':
      'the experiment found that connections are forgotten without a word after {from:ms} to {to:ms} of silence, and the first probe came after {silence:ms}: too late',
    unanswered: 'the last {count} keepalive probes of the {who} got no answer',
    'unanswered-each':
      'the last {count} keepalive probes of the {who}, one every {interval:ms}, got no answer',
    'given-up': 'then the kernel of the {who} gave the connection up (RST,ACK)',
    'peer-alive':
      '{peer} answered other connections meanwhile: the host lives, only this connection is cut off',
    'not-given-up': 'the capture ends before the kernel gave up',
    'kernel-said':
      'the kernel says TCP_KEEPALIVE_TIMEOUT for {count:count} connections: no probe was answered',
  },
  now: [
    {
      text: 'Is the peer up and reachable? Is it one connection, one host, or all behind one device?',
      command: 'ping -c 3 {peer}; ss -tno dst {peer}',
    },
  ],
  experiment: {
    command: survivedIdle,
    supports:
      'connections die without a word after a silence shorter than the distance of the probes: a hop forgets them',
    refutes:
      'none dies up to there, with keepalive or without: the peer or the path was really gone',
  },
  confirm: [
    {
      text: 'On {prober} the reset reason is TCP_KEEPALIVE_TIMEOUT (Linux 6.12 and later), TcpExtTCPAbortOnTimeout rises, and the application gets ETIMEDOUT.',
      command: resetReasons,
    },
    {
      text: 'Capture at both ends: do the probes arrive, do the answers leave?',
      command: 'tcpwhy analyze --at client=client.pcap --at server=server.pcap',
    },
  ],
  fix: [
    {
      text: 'Repair the path, or find out why the peer vanished (power, migration, a firewall that lost its state).',
    },
    {
      text: 'If a device forgets idle connections, probe more often than it forgets: see middlebox-idle-timeout.',
      command: survivedIdle,
    },
    {
      text: 'The time to notice is idle + interval x count (Linux: 7200 s + 75 s x 9); choose it on purpose.',
      setting: 'net.ipv4.tcp_keepalive_time',
    },
  ],
  variants: {
    'too-late': {
      title:
        'a hop between {prober} and {peer} forgets connections before keepalive probes come: {connections:count} ended',
    },
  },
  machine: {
    title:
      '{connections:count} connections with {server} were given up: the {there} answered no keepalive probe',
  },
} as const satisfies CauseMessages
