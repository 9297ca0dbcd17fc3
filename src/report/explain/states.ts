import type { CauseId } from '../../causes/ids.ts'
import type { StepKind } from './steps.ts'

/** One state of RFC 9293 §3.3.2 as an engineer meets it on Linux. */
export interface StateFacts {
  name: string
  meaning: string
  /** Who has to do something for the connection to leave this state. */
  next: string
  /** How long it may last on Linux. */
  lasts: string
  /** When it is a problem, and when not. */
  problem: string
  causes: readonly CauseId[]
  run: readonly StepKind[]
}

export const states: readonly StateFacts[] = [
  {
    name: 'LISTEN',
    meaning: 'A socket waits for connections. In ss, Recv-Q is its accept queue, Send-Q the limit.',
    next: 'The application: it must call accept() as fast as handshakes complete.',
    lasts: 'As long as the process wants.',
    problem: 'When Recv-Q stays above 0 and grows; at Send-Q + 1 new SYNs are dropped.',
    causes: ['accept-queue-overflow', 'syn-queue-overflow', 'descriptor-exhaustion'],
    run: ['listener', 'counters', 'diagnose'],
  },
  {
    name: 'SYN-SENT',
    meaning: 'Our SYN is out, nothing came back yet.',
    next: 'The peer: SYN-ACK, RST, or a router: ICMP.',
    lasts:
      'SYNs at 0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 69 s, ETIMEDOUT after about 131-135 s (Linux >= 6.5); ' +
      '127 s before (tcp_syn_retries=6). Applications usually give up earlier.',
    problem: 'When it is seen at all for more than a moment: SYN or SYN-ACK is lost or dropped.',
    causes: ['connect-filtered', 'accept-queue-overflow', 'asymmetric-path', 'syn-queue-overflow'],
    run: ['reach', 'capture', 'listener', 'diagnose'],
  },
  {
    name: 'SYN-RECEIVED',
    meaning:
      'A SYN was answered by SYN-ACK; the last ACK of the handshake is missing or not taken.',
    next: 'The client: ACK. Or the application: accept(), when the ACK was dropped at a full queue.',
    lasts:
      'SYN-ACKs after 1, 2, 4, 8, 16 s, gone after 63 s (tcp_synack_retries=5); sooner under load.',
    problem: 'When many: a SYN flood, SYN-ACKs lost on the way back, or a full accept queue.',
    causes: ['syn-queue-overflow', 'accept-queue-overflow', 'asymmetric-path', 'deferred-accept'],
    run: ['listener', 'counters', 'capture', 'diagnose'],
  },
  {
    name: 'ESTABLISHED',
    meaning: 'Both sides may send. It does not prove that the peer still exists.',
    next: 'Either application.',
    lasts:
      'Without limit. An idle connection learns of a dead peer only by keepalive ' +
      '(7200 s + 9 x 75 s by default, and only with SO_KEEPALIVE).',
    problem:
      'When Recv-Q stays above 0 (its application does not read), Send-Q stays above 0 (the peer ' +
      'does not acknowledge), or silence exceeds what a middlebox remembers.',
    causes: ['server-stalled', 'middlebox-idle-timeout', 'zero-window-stall', 'path-lost'],
    run: ['sockets', 'capture', 'diagnose'],
  },
  {
    name: 'FIN-WAIT-1',
    meaning: 'Our side closed and sent FIN; the FIN is not acknowledged yet.',
    next: "The peer's kernel: acknowledge the FIN (and the data before it).",
    lasts:
      'Normally one round trip. A closed descriptor (orphan) is given up after about 8 ' +
      'retransmissions (tcp_orphan_retries=0 means 8).',
    problem: 'When many: peers vanished or do not read; they count as orphans (tcp_max_orphans).',
    causes: ['path-lost', 'zero-window-stall', 'memory-pressure'],
    run: ['sockets', 'memory', 'capture'],
  },
  {
    name: 'FIN-WAIT-2',
    meaning: "Our FIN is acknowledged; we wait for the peer's FIN. The peer is in CLOSE-WAIT.",
    next: 'The application on the other host: it must close.',
    lasts:
      'tcp_fin_timeout (60 s) if our descriptor is closed; without any limit after shutdown() with ' +
      'the descriptor still open. Data that arrives meanwhile at a closed one is answered by RST.',
    problem: 'When many: the peer leaks connections or is stuck in its handlers.',
    causes: ['close-wait-leak', 'data-after-close', 'server-stalled'],
    run: ['sockets', 'capture', 'diagnose'],
  },
  {
    name: 'CLOSE-WAIT',
    meaning: 'The peer closed; our kernel acknowledged it; our application has not closed.',
    next: 'The application on this host: close(). Nobody else can.',
    lasts:
      'Without limit: there is no timer (measured 61 minutes unchanged). Only with SO_KEEPALIVE the ' +
      'kernel drops it some time after the peer forgot it, and then the descriptor stays leaked.',
    problem:
      'When it lasts more than seconds or grows: a leak, a stuck handler, or (no process shown) a ' +
      'connection never accepted. Recv-Q 0: end of file read, never closed; 1: never read; N+1: N unread.',
    causes: ['close-wait-leak', 'pool-starvation', 'open-transaction', 'gc-coupled-close'],
    run: ['close-wait', 'descriptors', 'stacks', 'diagnose'],
  },
  {
    name: 'CLOSING',
    meaning: 'Both sides sent FIN at the same time; the ACK of ours is missing.',
    next: "The peer's kernel: acknowledge our FIN.",
    lasts: 'Normally one round trip; rare.',
    problem: 'Hardly ever; many of them mean that acknowledgements are lost.',
    causes: ['packet-loss', 'path-lost'],
    run: ['sockets', 'capture'],
  },
  {
    name: 'LAST-ACK',
    meaning: 'The peer closed first, then we did; the ACK of our FIN is missing.',
    next: "The peer's kernel: one ACK.",
    lasts: 'Normally one round trip; about 8 retransmissions if the peer is gone.',
    problem: 'When many: peers or NAT entries vanish before the close is finished.',
    causes: ['path-lost', 'middlebox-idle-timeout', 'memory-pressure'],
    run: ['sockets', 'capture'],
  },
  {
    name: 'TIME-WAIT',
    meaning: 'Both sides closed and this one closed first; the tuple is kept for late segments.',
    next: 'Nobody. The clock.',
    lasts:
      '60 s on Linux, not configurable (tcp_fin_timeout is about FIN-WAIT-2). No process, no descriptor.',
    problem:
      'Almost never. Only when connects fail with EADDRNOTAVAIL, or a NAT reuses tuples within 60 s.',
    causes: ['time-wait-pile', 'ephemeral-ports-exhausted', 'time-wait-collision'],
    run: ['local-ports', 'counters'],
  },
  {
    name: 'CLOSED',
    meaning: 'No connection. ss shows it as UNCONN, the kernel calls it TCP_CLOSE.',
    next: 'Nobody.',
    lasts: 'Nothing is kept. Whatever arrives for it is answered by RST.',
    problem: 'When packets still come for it: the peer believes in a connection that is gone.',
    causes: ['port-closed', 'peer-restarted', 'data-after-close'],
    run: ['listener', 'capture'],
  },
]

/** Spellings of ss, netstat and the kernel, after upper case and `_` to `-`. */
const spellings: Record<string, string> = {
  ESTAB: 'ESTABLISHED',
  'SYN-RECV': 'SYN-RECEIVED',
  'SYN-RCVD': 'SYN-RECEIVED',
  'NEW-SYN-RECV': 'SYN-RECEIVED',
  'FIN-WAIT1': 'FIN-WAIT-1',
  'FIN-WAIT2': 'FIN-WAIT-2',
  FINWAIT1: 'FIN-WAIT-1',
  FINWAIT2: 'FIN-WAIT-2',
  CLOSEWAIT: 'CLOSE-WAIT',
  TIMEWAIT: 'TIME-WAIT',
  LASTACK: 'LAST-ACK',
  SYNSENT: 'SYN-SENT',
  CLOSE: 'CLOSED',
  UNCONN: 'CLOSED',
}

/** @returns the state that this text names in any usual spelling, null when it is something else. */
export function stateNamed(text: string): StateFacts | null {
  const word = text.trim().toUpperCase().replace(/[_ ]/g, '-').replace(/^TCP-/, '')
  const name = spellings[word] ?? word
  return states.find((state) => state.name === name) ?? null
}
