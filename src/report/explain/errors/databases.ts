import { type ErrorPattern, onTheWire } from './pattern.ts'

/** MySQL, MariaDB and PostgreSQL: client and server messages. */
export const databaseErrors: readonly ErrorPattern[] = [
  {
    id: 'mysql-gone-away',
    from: 'MySQL client (2006)',
    match: /MySQL server has gone away|\b2006\b.{0,20}CR_SERVER_GONE/,
    wire: 'fin-then-rst',
    seen:
      'The connection was already closed when the statement was sent: FIN (MySQL) or RST (MariaDB ' +
      'ends idle sessions by linger 0). A statement above max_allowed_packet ends so as well.',
    causes: ['server-idle-timeout', 'middlebox-idle-timeout', 'admin-kill', 'process-killed'],
    next: ['idle', 'capture', 'mysql', 'diagnose'],
  },
  {
    id: 'mysql-lost-during-query',
    from: 'MySQL client (2013)',
    match:
      /Lost connection to (?:MySQL|MariaDB) server during query|Lost connection to server during query/,
    wire: 'any',
    seen: 'FIN, RST or a read time-out after the statement was sent and before its answer was complete.',
    causes: [
      'admin-kill',
      'process-killed',
      'client-timeout',
      'middlebox-idle-timeout',
      'path-lost',
    ],
    next: ['capture', 'kernel-log', 'mysql', 'diagnose'],
  },
  {
    id: 'mysql-lost-at-greeting',
    from: 'MySQL client (2013)',
    match:
      /Lost connection to (?:MySQL|MariaDB) server at '(?:reading initial communication packet|reading authorization packet|waiting for initial communication packet)'/,
    wire: 'any',
    seen: 'The handshake of TCP completed; the greeting of the server did not come, or FIN/RST came.',
    causes: ['accept-and-close', 'syn-queue-overflow', 'connection-limit', 'accept-queue-overflow'],
    next: ['listener', 'counters', 'capture', 'mysql', 'diagnose'],
  },
  {
    id: 'mysql-too-many-connections',
    from: 'MySQL (1040)',
    match: /Too many connections|\bERROR 1040\b|ER_CON_COUNT_ERROR|max_user_connections/,
    wire: 'message',
    seen: 'An error packet in place of the greeting, then FIN.',
    causes: ['connection-limit', 'open-transaction', 'pool-starvation'],
    next: ['mysql', 'capture', 'diagnose'],
  },
  {
    id: 'mysql-aborted-connection',
    from: 'MySQL server log',
    match:
      /Aborted connection \d{1,20} to db:?[^\n]{0,160}?\((?:Got timeout reading|Got an error reading|Got timeout writing|Got an error writing)[^)\n]{0,40}\)|Aborted connection/,
    wire: 'any',
    seen:
      '"Got timeout reading": the server closed an idle session (wait_timeout). "Got an error reading": ' +
      'the client ended without COM_QUIT: FIN, RST, or its process died.',
    causes: [
      'server-idle-timeout',
      'process-killed',
      'gc-coupled-close',
      'open-transaction',
      'middlebox-idle-timeout',
    ],
    next: ['mysql', 'capture', 'idle', 'diagnose'],
  },
  {
    id: 'mysql-4031',
    from: 'MySQL >= 8.0.24 (4031)',
    match:
      /\b4031\b.{0,40}(?:HY000|INTERACTION_TIMEOUT|inactiv)|disconnected by the server because of inactivity|ER_CLIENT_INTERACTION_TIMEOUT|\bERR(?:OR)? 4031\b/,
    wire: 'message',
    seen: 'An error packet 4031 that waited unread in the idle connection, then FIN (wait_timeout).',
    causes: ['server-idle-timeout', 'open-transaction'],
    next: ['idle', 'mysql', 'capture'],
  },
  {
    id: 'mysql-cannot-connect',
    from: 'MySQL client (2003)',
    match:
      /Can't connect to (?:MySQL|MariaDB) server on '[^'\n]{1,255}'(?::\d{1,5})? \((\d{1,3})\b/,
    wire: 'any',
    seen: 'The number in brackets is errno: 111 RST to the SYN, 110 or 4 silence, 113 ICMP or no ARP.',
    causes: [
      'port-closed',
      'firewall-reject',
      'connect-filtered',
      'host-unreachable',
      'accept-queue-overflow',
    ],
    next: ['reach', 'listener', 'capture', 'diagnose'],
  },
  {
    id: 'mysql-lock-wait',
    from: 'MySQL (1205)',
    match: /Lock wait timeout exceeded/,
    wire: 'message',
    seen: 'An ordinary error packet; the connection lives. Somebody else holds the row.',
    causes: ['open-transaction'],
    next: ['mysql'],
  },
  {
    id: 'postgres-idle-in-transaction',
    from: 'PostgreSQL (25P03)',
    match: /terminating connection due to idle-in-transaction timeout|\b25P03\b/,
    wire: 'message',
    seen: 'ErrorResponse FATAL 25P03, then FIN. A pool that does not read it keeps CLOSE-WAIT with Recv-Q > 1.',
    causes: ['open-transaction', 'close-wait-leak'],
    next: ['postgres', 'close-wait', 'capture', 'diagnose'],
  },
  {
    id: 'postgres-idle-session',
    from: 'PostgreSQL (57P05)',
    match: /terminating connection due to idle-session timeout|\b57P05\b/,
    wire: 'message',
    seen: 'ErrorResponse FATAL 57P05, then FIN (idle_session_timeout).',
    causes: ['server-idle-timeout'],
    next: ['postgres', 'idle', 'capture'],
  },
  {
    id: 'postgres-admin-command',
    from: 'PostgreSQL (57P01)',
    match: /terminating connection due to administrator command|\b57P01\b/,
    wire: 'message',
    seen: 'ErrorResponse FATAL 57P01, then FIN: pg_terminate_backend or a shutdown.',
    causes: ['admin-kill', 'process-killed'],
    next: ['postgres', 'kernel-log'],
  },
  {
    id: 'postgres-too-many',
    from: 'PostgreSQL (53300)',
    match:
      /sorry, too many clients already|remaining connection slots are reserved|too many connections for (?:role|database)|\b53300\b/,
    wire: 'message',
    seen: 'ErrorResponse FATAL 53300 right after the start-up message, then FIN.',
    causes: ['connection-limit', 'open-transaction', 'pool-starvation'],
    next: ['postgres', 'capture', 'diagnose'],
    hides: ['mysql-too-many-connections'],
  },
  {
    id: 'postgres-closed-unexpectedly',
    from: 'libpq',
    match: /server closed the connection unexpectedly|SSL connection has been closed unexpectedly/,
    wire: 'fin',
    seen:
      'FIN without a farewell message: the backend died, or a proxy, balancer or middlebox closed. ' +
      '(A RST reads "could not receive data from server: Connection reset by peer".)',
    causes: ['process-killed', 'admin-kill', 'server-idle-timeout', 'middlebox-idle-timeout'],
    next: ['kernel-log', 'capture', 'postgres', 'diagnose'],
  },
  {
    id: 'postgres-client-reset',
    from: 'PostgreSQL server log',
    match:
      /could not (?:receive data from|send data to) client: (?:Connection reset by peer|Broken pipe)|unexpected EOF on client connection(?: with an open transaction)?/,
    wire: 'any',
    seen: 'The client ended without Terminate: RST, or FIN for "unexpected EOF".',
    causes: [
      'process-killed',
      'client-timeout',
      'close-with-unread-data',
      'middlebox-idle-timeout',
      'open-transaction',
    ],
    next: ['postgres', 'capture', 'diagnose'],
    hides: ['go-unexpected-eof'],
  },
  {
    id: 'postgres-tls-eof',
    from: 'libpq',
    match: /SSL SYSCALL error: EOF detected/,
    wire: 'fin',
    seen: 'The server, or something before it, closed with FIN and without the goodbye of TLS.',
    causes: ['process-killed', 'admin-kill', 'server-idle-timeout', 'middlebox-idle-timeout'],
    next: ['capture', 'kernel-log', 'idle', 'diagnose'],
    hides: ['go-eof'],
  },
  {
    id: 'postgres-server-reset',
    from: 'libpq',
    match: /could not receive data from server: (?:Connection reset by peer|Connection timed out)/,
    wire: 'any',
    seen: `${onTheWire.rst} "timed out": retransmissions or keepalive probes had no answer.`,
    causes: [
      'middlebox-idle-timeout',
      'process-killed',
      'peer-restarted',
      'keepalive-timeout',
      'path-lost',
    ],
    next: ['idle', 'capture', 'diagnose'],
  },
]
