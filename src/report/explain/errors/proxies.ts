import type { CauseId } from '../../../causes/ids.ts'
import type { StepKind } from '../steps.ts'
import {
  connectCauses,
  type ErrorPattern,
  onTheWire,
  refusedCauses,
  resetCauses,
  slowCauses,
  type Wire,
} from './pattern.ts'

/** nginx error and access log. The upstream is the peer, nginx the client of that connection. */
const nginxErrors: readonly ErrorPattern[] = [
  {
    id: 'nginx-recv-reset',
    from: 'nginx',
    match:
      /(?:recv|readv)\(\) failed \(104(?:: Connection reset by peer)?\)(?: while [\w ]{1,60})?/,
    wire: 'rst',
    seen: `${onTheWire.rst} "while reading response header from upstream": no answer had begun.`,
    causes: [
      'process-killed',
      'keep-alive-race',
      'close-with-unread-data',
      ...resetCauses.slice(4),
    ],
    next: ['capture', 'reasons', 'idle', 'diagnose'],
  },
  {
    id: 'nginx-send-reset',
    from: 'nginx',
    match:
      /(?:send|sendfile|writev)\(\) failed \((?:104: Connection reset by peer|32: Broken pipe)\)(?: while [\w ]{1,60})?/,
    wire: 'any',
    seen: 'The other end was gone when nginx sent: RST for 104, FIN first for 32. "while" says which end.',
    causes: ['client-cancelled', 'client-timeout', 'close-with-unread-data', 'data-after-close'],
    next: ['capture', 'diagnose'],
  },
  {
    id: 'nginx-prematurely-closed',
    from: 'nginx',
    match: /upstream prematurely closed connection(?: while [\w ]{1,60})?/,
    wire: 'fin',
    seen: 'The upstream closed with FIN before (or in the middle of) its answer.',
    causes: ['keep-alive-race', 'process-killed', 'server-idle-timeout', 'accept-and-close'],
    next: ['capture', 'idle', 'kernel-log', 'diagnose'],
  },
  {
    id: 'nginx-connect-refused',
    from: 'nginx',
    match:
      /connect\(\) failed \(111: Connection refused\)(?: while connecting to upstream)?|connect\(\) failed \(111/,
    wire: 'syn-rst',
    seen: onTheWire.refused,
    causes: refusedCauses,
    next: ['reach', 'listener', 'capture', 'diagnose'],
  },
  {
    id: 'nginx-connect-unreachable',
    from: 'nginx',
    match: /connect\(\) failed \(113(?:: No route to host)?\)|connect\(\) failed \(113/,
    wire: 'icmp',
    seen: onTheWire.unreachable,
    causes: ['host-unreachable', 'firewall-reject'],
    next: ['reach', 'capture', 'diagnose'],
  },
  {
    id: 'nginx-connect-timeout',
    from: 'nginx',
    match:
      /upstream timed out \(110: (?:Connection|Operation) timed out\) while connecting to upstream/,
    wire: 'silence',
    seen: onTheWire.connectSilence,
    causes: connectCauses,
    next: ['reach', 'capture', 'listener', 'diagnose'],
  },
  {
    id: 'nginx-upstream-timeout',
    from: 'nginx',
    match:
      /upstream timed out \(110(?:: (?:Connection|Operation) timed out\))?(?! while connecting)(?: while [\w ]{1,60})?/,
    wire: 'silence',
    seen:
      'Nothing that ended the wait: proxy_read_timeout (60 s) or proxy_send_timeout passed. The kernel ' +
      'had no error; 110 is only the number nginx prints.',
    causes: [...slowCauses, 'zero-window-stall'],
    next: ['capture', 'stacks', 'listener', 'diagnose'],
  },
  {
    id: 'nginx-worker-connections',
    from: 'nginx',
    match: /worker_connections are not enough/,
    wire: 'any',
    seen: 'nginx accepted the connection and closed it at once: its client saw FIN or RST, both occur.',
    causes: ['accept-and-close', 'server-stalled'],
    next: ['sockets', 'descriptors', 'capture', 'diagnose'],
  },
  {
    id: 'nginx-accept-emfile',
    from: 'nginx',
    match: /accept4?\(\) failed \(24(?:: Too many open files\))?/,
    wire: 'silence',
    seen: 'nginx pauses accepting; handshakes go on in the kernel and requests wait in the accept queue.',
    causes: ['descriptor-exhaustion', 'server-stalled', 'accept-queue-overflow'],
    next: ['descriptors', 'listener', 'diagnose'],
  },
  {
    id: 'nginx-no-port',
    from: 'nginx',
    match: /\(99: Cannot assign requested address\)/,
    wire: 'none',
    seen: onTheWire.noPort,
    causes: ['ephemeral-ports-exhausted'],
    next: ['local-ports', 'diagnose'],
  },
  {
    id: 'nginx-no-live-upstreams',
    from: 'nginx',
    match: /no live upstreams while connecting to upstream/,
    wire: 'none',
    seen: 'Nothing: all upstreams are marked as failed. The errors before this one tell why.',
    causes: ['port-closed', 'server-stalled', 'connect-filtered'],
    next: ['reach', 'diagnose'],
  },
  {
    id: 'nginx-499',
    from: 'nginx',
    match: /" 499 \d|\bstatus[ =:"]{1,4}499\b|^(?:nginx |http )?499$/i,
    wire: 'fin',
    seen: 'The client closed (FIN or RST) before nginx had an answer for it.',
    causes: ['client-timeout', 'client-cancelled', 'server-stalled'],
    next: ['capture', 'stacks', 'diagnose'],
  },
  {
    id: 'http-504',
    from: 'HTTP proxy',
    match: /\b504 Gateway Time-?out\b|" 504 \d|^(?:http )?504$/i,
    wire: 'silence',
    seen: 'The proxy gave up waiting for its backend: connect or answer. Its own log says which.',
    causes: ['server-stalled', 'pool-starvation', 'open-transaction', 'connect-filtered'],
    next: ['capture', 'stacks', 'listener', 'diagnose'],
  },
  {
    id: 'http-502',
    from: 'HTTP proxy',
    match: /\b502 Bad Gateway\b|" 502 \d|^(?:http )?502$/i,
    wire: 'any',
    seen: "The proxy's connection to its backend was refused, reset or closed. Its own log says which.",
    causes: ['port-closed', 'keep-alive-race', 'process-killed', 'accept-and-close'],
    next: ['reach', 'capture', 'idle', 'diagnose'],
  },
]

/** Termination state of HAProxy's log: alone ("SD", "SD--"), or in a line before the connection counts. */
function state(code: string): RegExp {
  const flags = '(?:[NIDVEOUP-][NIDUPR-])?'
  return new RegExp(
    `^(?:haproxy:?\\s+)?${code}${flags}$|\\s${code}${flags}(?=\\s+\\d{1,9}/\\d{1,9}/)`,
  )
}

function haproxy(
  code: string,
  wire: Wire,
  seen: string,
  causes: readonly CauseId[],
  next: readonly StepKind[] = ['capture', 'diagnose'],
): ErrorPattern {
  return { id: `haproxy-${code}`, from: 'HAProxy', match: state(code), wire, seen, causes, next }
}

/** HAProxy configuration manual 8.5 "Session state at disconnection". First letter who, second letter when. */
const haproxyErrors: readonly ErrorPattern[] = [
  haproxy(
    'CC',
    'any',
    'The client left (FIN or RST) while HAProxy was connecting to the server.',
    ['client-timeout', 'connect-filtered', 'accept-queue-overflow'],
    ['capture', 'listener', 'diagnose'],
  ),
  haproxy('CD', 'any', 'The client ended the connection (FIN or RST) during the transfer.', [
    'client-cancelled',
    'client-timeout',
    'close-with-unread-data',
  ]),
  haproxy(
    'CH',
    'any',
    'The client left while the server had not answered yet.',
    ['client-timeout', 'server-stalled', 'client-cancelled'],
    ['capture', 'stacks', 'diagnose'],
  ),
  haproxy(
    'CQ',
    'any',
    'The client left while its request waited in a queue for a server.',
    ['client-timeout', 'connection-limit', 'server-stalled'],
    ['stacks', 'diagnose'],
  ),
  haproxy(
    'CR',
    'any',
    'The client left before a complete request: a TCP check, a preconnect, a scanner.',
    ['health-check', 'client-cancelled', 'tls-failure'],
    ['capture'],
  ),
  haproxy(
    'cD',
    'silence',
    'The client neither read nor sent for "timeout client"; HAProxy closed.',
    ['server-idle-timeout', 'zero-window-stall', 'path-lost', 'middlebox-idle-timeout'],
    ['idle', 'capture', 'diagnose'],
  ),
  haproxy(
    'cR',
    'silence',
    'No complete request came within "timeout http-request".',
    ['server-idle-timeout', 'health-check', 'path-mtu-black-hole'],
    ['capture'],
  ),
  haproxy(
    'PC',
    'none',
    'HAProxy refused to connect: a limit of its own (ports, memory, descriptors).',
    ['ephemeral-ports-exhausted', 'descriptor-exhaustion'],
    ['local-ports', 'descriptors', 'diagnose'],
  ),
  haproxy(
    'PR',
    'any',
    'HAProxy itself blocked or could not parse the request, and closed.',
    ['tls-failure', 'connection-limit'],
    ['capture'],
  ),
  haproxy(
    'RC',
    'none',
    'A resource was exhausted before connecting: descriptors, memory or local ports.',
    ['ephemeral-ports-exhausted', 'descriptor-exhaustion', 'memory-pressure'],
    ['local-ports', 'descriptors', 'memory', 'diagnose'],
  ),
  haproxy(
    'SC',
    'syn-rst',
    'The server (or something before it) refused the connection: RST or ICMP to the SYN.',
    refusedCauses,
    ['reach', 'listener', 'capture', 'diagnose'],
  ),
  haproxy(
    'SD',
    'any',
    'The server ended the connection (RST, or FIN too early) during the transfer.',
    [
      'process-killed',
      'close-with-unread-data',
      'server-idle-timeout',
      'peer-restarted',
      'middlebox-idle-timeout',
    ],
    ['capture', 'reasons', 'kernel-log', 'diagnose'],
  ),
  haproxy(
    'SH',
    'any',
    'The server closed or reset before it had sent complete response headers.',
    ['process-killed', 'keep-alive-race', 'accept-and-close', 'close-with-unread-data'],
    ['capture', 'reasons', 'kernel-log', 'diagnose'],
  ),
  haproxy('sC', 'silence', `${onTheWire.connectSilence} ("timeout connect")`, connectCauses, [
    'reach',
    'capture',
    'listener',
    'diagnose',
  ]),
  haproxy(
    'sD',
    'silence',
    'The server was silent for "timeout server" in the middle of the transfer.',
    ['server-stalled', 'zero-window-stall', 'path-lost', 'server-idle-timeout'],
    ['capture', 'stacks', 'diagnose'],
  ),
  haproxy(
    'sH',
    'silence',
    'No response headers within "timeout server"; the client got a 504.',
    slowCauses,
    ['capture', 'stacks', 'listener', 'diagnose'],
  ),
  haproxy(
    'sQ',
    'none',
    'The request waited in the queue for "timeout queue": all servers at maxconn.',
    ['server-stalled', 'pool-starvation', 'connection-limit'],
    ['stacks', 'diagnose'],
  ),
]

/** Envoy and what is built on it. The wording is from its documentation, not measured by us. */
const envoyErrors: readonly ErrorPattern[] = [
  {
    id: 'envoy-before-headers',
    from: 'Envoy',
    match:
      /upstream connect error or disconnect\/reset before headers|upstream_reset_before_response_started/,
    wire: 'any',
    seen:
      'The connection to the upstream could not be made, or ended before an answer had begun; ' +
      '"connection termination" is said after a FIN as well as after a RST.',
    causes: ['keep-alive-race', 'port-closed', ...resetCauses],
    next: ['capture', 'idle', 'diagnose'],
  },
]

export const proxyErrors: readonly ErrorPattern[] = [
  ...nginxErrors,
  ...haproxyErrors,
  ...envoyErrors,
]
