import { describe, expect, test } from 'vitest'
import { errorPatterns, MAX_LINE, matchErrors } from './errors.ts'

/** A line as people paste it, and the pattern that must come first. */
const hits: readonly [line: string, first: string][] = [
  ['read tcp 10.0.0.1:53212->10.0.0.2:80: read: connection reset by peer', 'go-read-reset'],
  ['read tcp 10.0.0.1:5->10.0.0.2:80: connection reset by peer', 'go-read-reset'],
  [
    'Post "http://a:80/": write tcp [::1]:5->[::1]:80: write: connection reset by peer',
    'go-write-reset',
  ],
  ['write tcp 10.0.0.2:80->10.0.0.1:53212: write: broken pipe', 'go-broken-pipe'],
  ['write: broken pipe', 'go-broken-pipe'],
  ['dial tcp 10.0.0.2:443: i/o timeout', 'go-dial-timeout'],
  ['Get "https://h/": net/http: TLS handshake timeout', 'go-tls-handshake-timeout'],
  ['rpc error: code = Unavailable desc = transport is closing', 'grpc-transport-closing'],
  [
    'upstream connect error or disconnect/reset before headers. reset reason: connection failure',
    'envoy-before-headers',
  ],
  ['socket error 10054 (WSAECONNRESET)', 'errno-wsaeconnreset'],
  ['read tcp 10.0.0.1:5->10.0.0.2:80: i/o timeout', 'go-io-timeout'],
  ['read tcp 10.0.0.1:5->10.0.0.2:80: read: connection timed out', 'go-connection-timed-out'],
  [
    'Get "http://h/": net/http: request canceled (Client.Timeout exceeded while awaiting headers)',
    'go-client-timeout',
  ],
  [
    'Get "http://h/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
    'go-client-timeout',
  ],
  ['rpc error: code = DeadlineExceeded desc = context deadline exceeded', 'go-context-deadline'],
  ['dial tcp 127.0.0.1:5432: connect: connection refused', 'go-refused'],
  ['dial tcp 10.9.9.9:80: connect: no route to host', 'go-no-route'],
  ['Get "http://10.0.0.2:8080/": EOF', 'go-eof'],
  ['unexpected EOF', 'go-unexpected-eof'],
  ['http: TLS handshake error from 10.0.0.9:41414: EOF', 'go-tls-handshake-eof'],
  [
    'http: Accept error: accept tcp [::]:8080: accept4: too many open files; retrying in 5ms',
    'go-accept-emfile',
  ],
  ['accept4: too many open files', 'go-accept-emfile'],
  ['read tcp 10.0.0.1:5->10.0.0.2:80: use of closed network connection', 'go-closed-connection'],
  ['http: server closed idle connection', 'go-idle-closed'],
  ['driver: bad connection', 'go-bad-connection'],
  ['Error: read ECONNRESET at TCP.onStreamRead', 'node-read-econnreset'],
  ["Error: socket hang up at connResetException { code: 'ECONNRESET' }", 'node-socket-hang-up'],
  [
    "TypeError: fetch failed cause: SocketError: other side closed code: 'UND_ERR_SOCKET'",
    'node-other-side-closed',
  ],
  ['TypeError: terminated { [cause]: Error: read ECONNRESET }', 'node-terminated'],
  ["Error: aborted { code: 'ECONNRESET' }", 'node-aborted'],
  [
    "ConnectTimeoutError: Connect Timeout Error code: 'UND_ERR_CONNECT_TIMEOUT'",
    'node-connect-timeout',
  ],
  ['HeadersTimeoutError: Headers Timeout Error', 'node-headers-timeout'],
  ['TypeError: fetch failed', 'node-fetch-failed'],
  ['connect ETIMEDOUT 10.0.0.2:443', 'errno-connect-etimedout'],
  ['ETIMEDOUT', 'errno-etimedout'],
  ['Error: write EPIPE', 'errno-epipe'],
  ['connect EADDRNOTAVAIL 10.0.0.2:80 - Local (0.0.0.0:0)', 'errno-eaddrnotavail'],
  ['Error: EMFILE: too many open files, open x', 'errno-emfile'],
  ['java.net.SocketException: Connection reset', 'java-connection-reset'],
  ['java.io.IOException: Broken pipe', 'java-broken-pipe'],
  ['java.net.SocketException: Broken pipe (Write failed)', 'java-broken-pipe'],
  ['java.net.SocketException: Unexpected end of file from server', 'java-unexpected-end'],
  [
    'org.apache.http.NoHttpResponseException: 10.0.0.2:80 failed to respond',
    'java-no-http-response',
  ],
  ['java.net.SocketTimeoutException: Read timed out', 'java-read-timeout'],
  ['java.net.SocketTimeoutException: Connect timed out', 'java-connect-timeout'],
  ['java.net.ConnectException: Connection timed out: connect', 'java-connect-timeout'],
  ['java.io.IOException: HTTP/1.1 header parser received no bytes', 'java-header-parser'],
  ['java.net.NoRouteToHostException: No route to host', 'java-no-route'],
  ['java.net.NoRouteToHostException: Cannot assign requested address', 'errno-eaddrnotavail'],
  ['java.net.ConnectException: Connection refused', 'java-refused'],
  [
    'HikariPool-1 - Connection is not available, request timed out after 30000ms.',
    'java-hikari-timeout',
  ],
  ['CommunicationsException: Communications link failure', 'java-communications-link'],
  [
    'The last packet successfully received from the server was 28,800,123 milliseconds ago',
    'java-last-packet',
  ],
  [
    'javax.net.ssl.SSLHandshakeException: Remote host terminated the handshake',
    'java-tls-handshake',
  ],
  [
    "('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))",
    'python-errno-104',
  ],
  ['ConnectionResetError: [Errno 104] Connection reset by peer', 'python-errno-104'],
  ['Errno 104', 'python-errno-104'],
  ['BrokenPipeError: [Errno 32] Broken pipe', 'python-errno-32'],
  ['TimeoutError: [Errno 110] Connection timed out', 'python-errno-110'],
  ['ConnectionRefusedError: [Errno 111] Connection refused', 'python-errno-111'],
  ['OSError: [Errno 113] No route to host', 'python-errno-113'],
  ['OSError: [Errno 99] Cannot assign requested address', 'python-errno-99'],
  ['OSError: [Errno 24] Too many open files', 'python-errno-24'],
  [
    "('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))",
    'python-remote-disconnected',
  ],
  ['IncompleteRead(3 bytes read, 997 more expected)', 'python-incomplete-read'],
  [
    "ReadTimeout: HTTPConnectionPool(host='h', port=80): Read timed out. (read timeout=5)",
    'python-read-timeout',
  ],
  [
    'QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30',
    'python-queue-pool',
  ],
  ['curl: (7) Failed to connect to 10.0.0.2 port 80 after 0 ms: Connection refused', 'curl-7'],
  ['curl: (18) transfer closed with 997 bytes remaining to read', 'curl-18'],
  ['curl: (28) Operation timed out after 5001 milliseconds with 0 bytes received', 'curl-28'],
  ['curl: (28) Connection timed out after 5001 milliseconds', 'curl-28-connect'],
  ['curl: (52) Empty reply from server', 'curl-52'],
  ['curl: (56) Recv failure: Connection reset by peer', 'curl-56'],
  ['curl exit code 56', 'curl-56'],
  [
    'recv() failed (104: Connection reset by peer) while reading response header from upstream',
    'nginx-recv-reset',
  ],
  ['recv() failed (104: Connection reset by peer)', 'nginx-recv-reset'],
  ['recv() failed (104)', 'nginx-recv-reset'],
  [
    'upstream prematurely closed connection while reading response header from upstream',
    'nginx-prematurely-closed',
  ],
  [
    'connect() failed (111: Connection refused) while connecting to upstream',
    'nginx-connect-refused',
  ],
  ['connect() failed (111', 'nginx-connect-refused'],
  [
    'upstream timed out (110: Connection timed out) while reading response header from upstream',
    'nginx-upstream-timeout',
  ],
  [
    'upstream timed out (110: Connection timed out) while connecting to upstream',
    'nginx-connect-timeout',
  ],
  ['upstream timed out (110', 'nginx-upstream-timeout'],
  ['512 worker_connections are not enough', 'nginx-worker-connections'],
  ['accept4() failed (24: Too many open files)', 'nginx-accept-emfile'],
  [
    '10.0.0.9 - - [21/Nov/2026:03:00:00 +0000] "GET / HTTP/1.1" 499 0 "-" "curl/7.88.1"',
    'nginx-499',
  ],
  ['499', 'nginx-499'],
  ['SD', 'haproxy-SD'],
  ['haproxy sH--', 'haproxy-sH'],
  [
    '10.0.0.9:53212 [21/Nov/2026] fe be/srv 0/0/0/7/9 200 99 - - CD-- 1/1/0/0/0 0/0 "GET / HTTP/1.1"',
    'haproxy-CD',
  ],
  ['10.0.0.9:53212 [21/Nov/2026] fe be/srv 0/0/60001 0 cD 1/1/0/0/0 0/0', 'haproxy-cD'],
  ['fe be/srv 0/0/-1/-1/9 503 99 - - SC-- 1/1/0/0/3 0/0 "GET / HTTP/1.1"', 'haproxy-SC'],
  ['ERROR 2006 (HY000): MySQL server has gone away', 'mysql-gone-away'],
  ['Lost connection to MySQL server during query', 'mysql-lost-during-query'],
  ['ERROR 1040 (HY000): Too many connections', 'mysql-too-many-connections'],
  [
    "Aborted connection 42 to db: 'x' user: 'y' host: 'h' (Got timeout reading communication packets)",
    'mysql-aborted-connection',
  ],
  [
    'ERROR 4031 (HY000): The client was disconnected by the server because of inactivity.',
    'mysql-4031',
  ],
  ['ERR 4031', 'mysql-4031'],
  ["Can't connect to MySQL server on '10.0.0.2:3306' (111)", 'mysql-cannot-connect'],
  [
    'FATAL:  terminating connection due to idle-in-transaction timeout',
    'postgres-idle-in-transaction',
  ],
  ['FATAL:  sorry, too many clients already', 'postgres-too-many'],
  ['FATAL:  terminating connection due to administrator command', 'postgres-admin-command'],
  ['server closed the connection unexpectedly', 'postgres-closed-unexpectedly'],
  ['SSL connection has been closed unexpectedly', 'postgres-closed-unexpectedly'],
  ['LOG:  unexpected EOF on client connection with an open transaction', 'postgres-client-reset'],
  ['nf_conntrack: nf_conntrack: table full, dropping packet', 'kernel-conntrack-full'],
  [
    'TCP: request_sock_TCP: Possible SYN flooding on port 0.0.0.0:8080. Sending cookies.',
    'kernel-syn-flooding',
  ],
  ['TCP: too many orphaned sockets', 'kernel-orphans'],
  ['TCP: out of memory -- consider tuning tcp_mem', 'kernel-tcp-memory'],
  ['Out of memory: Killed process 4242 (java) total-vm:1kB', 'kernel-oom-kill'],
  ['TCP: time wait bucket table overflow', 'kernel-time-wait-overflow'],
  [
    "Lost connection to MySQL server at 'reading initial communication packet', system error: 0",
    'mysql-lost-at-greeting',
  ],
  ['ERROR 1205 (HY000): Lock wait timeout exceeded; try restarting transaction', 'mysql-lock-wait'],
  ['FATAL:  terminating connection due to idle-session timeout', 'postgres-idle-session'],
  ['could not receive data from server: Connection reset by peer', 'postgres-server-reset'],
  ['LOG:  could not receive data from client: Connection reset by peer', 'postgres-client-reset'],
  ['writev() failed (32: Broken pipe) while sending to client', 'nginx-send-reset'],
  [
    'connect() failed (113: No route to host) while connecting to upstream',
    'nginx-connect-unreachable',
  ],
  [
    'connect() to 10.0.0.2:80 failed (99: Cannot assign requested address) while connecting to upstream',
    'nginx-no-port',
  ],
  ['no live upstreams while connecting to upstream', 'nginx-no-live-upstreams'],
  ['504 Gateway Time-out', 'http-504'],
  ['HTTP/1.1 502 Bad Gateway', 'http-502'],
  ['java.io.IOException: fixed content-length: 1000, bytes received: 3', 'java-premature-end'],
  [
    "ConnectTimeoutError(<x>, 'Connection to h timed out. (connect timeout=3)')",
    'python-connect-timeout',
  ],
  ['curl: (35) OpenSSL SSL_connect: Connection reset by peer', 'curl-35'],
  ['curl: (55) Send failure: Broken pipe', 'curl-55'],
  ['ECONNREFUSED', 'errno-econnrefused'],
  ['ssh: connect to host h port 22: No route to host', 'errno-ehostunreach'],
  ['Software caused connection abort', 'errno-econnaborted'],
  ['haproxy CC', 'haproxy-CC'],
  ['haproxy CH', 'haproxy-CH'],
  ['haproxy CQ', 'haproxy-CQ'],
  ['haproxy CR', 'haproxy-CR'],
  ['haproxy cR', 'haproxy-cR'],
  ['haproxy PC', 'haproxy-PC'],
  ['haproxy PR', 'haproxy-PR'],
  ['haproxy RC', 'haproxy-RC'],
  ['haproxy SH', 'haproxy-SH'],
  ['haproxy sC', 'haproxy-sC'],
  ['haproxy sD', 'haproxy-sD'],
  ['haproxy sQ', 'haproxy-sQ'],
  ['TypeError: fetch failed cause: Error: connect ECONNREFUSED ::1:3000', 'errno-econnrefused'],
  [
    'Communications link failure Caused by: java.net.ConnectException: Connection refused',
    'java-refused',
  ],
  [
    'System.IO.IOException: Unable to read data from the transport connection: An existing connection was forcibly closed by the remote host.',
    'dotnet-forcibly-closed',
  ],
  ['System.Net.Sockets.SocketException (104): Connection reset by peer', 'dotnet-forcibly-closed'],
  ['System.IO.IOException: The response ended prematurely.', 'dotnet-response-ended'],
  [
    'TaskCanceledException: The request was canceled due to the configured HttpClient.Timeout of 100 seconds elapsing.',
    'dotnet-http-timeout',
  ],
  [
    'SocketException (10060): A connection attempt failed because the connected party did not properly respond',
    'dotnet-no-response',
  ],
  ['No connection could be made because the target machine actively refused it.', 'dotnet-refused'],
  ['Unable to write data to the transport connection', 'dotnet-transport'],
  ['HttpRequestException: The SSL connection could not be established', 'dotnet-ssl'],
  ['Net::OpenTimeout: execution expired', 'ruby-open-timeout'],
  ['Net::ReadTimeout with #<TCPSocket:(closed)>', 'ruby-read-timeout'],
  ['EOFError: end of file reached', 'ruby-eof'],
  ['Errno::ECONNRESET: Connection reset by peer - SSL_connect', 'ruby-econnreset'],
  ['hyper::Error(IncompleteMessage)', 'hyper-incomplete-message'],
  ['connection closed before message completed', 'hyper-incomplete-message'],
  [
    'PrematureCloseException: Connection prematurely closed BEFORE response',
    'netty-premature-close',
  ],
  ['StatusRuntimeException: UNAVAILABLE: io exception', 'grpc-java-unavailable'],
  [
    'Connection to node 1 (x/10.0.0.2:9092) could not be established. Broker may not be available.',
    'kafka-node-unavailable',
  ],
  ['Connection closed by 10.0.0.2 port 22', 'ssh-closed-by-remote'],
  ['kex_exchange_identification: Connection closed by remote host', 'ssh-closed-by-remote'],
  ['curl: (92) HTTP/2 stream 0 was not closed cleanly: INTERNAL_ERROR', 'http2-stream-reset'],
  ['503 UC upstream_reset_before_response_started{connection_termination}', 'envoy-before-headers'],
  ['SSL SYSCALL error: EOF detected', 'postgres-tls-eof'],
  ['connection reset', 'errno-econnreset'],
  ['RST', 'errno-econnreset'],
  ['refused', 'errno-econnrefused'],
  ['timed-out', 'errno-etimedout'],
  ['timeout', 'errno-etimedout'],
  ['SomethingElse: Connection reset by peer', 'errno-econnreset'],
  ['perl: Network is unreachable', 'errno-enetunreach'],
]

/** What looks alike and must not be read as that pattern. */
const nearMisses: readonly [line: string, not: string][] = [
  ['unexpected EOF', 'go-eof'],
  ['<<EOF', 'go-eof'],
  ["Error: socket hang up { code: 'ECONNRESET' }", 'errno-econnreset'],
  ['Connection reset by peer', 'java-connection-reset'],
  ['dial tcp 10.0.0.2:443: i/o timeout', 'go-io-timeout'],
  ['"GET / HTTP/1.1" 200 512 "-" "curl/7.88.1"', 'curl-7'],
  ['curl/7.56', 'curl-56'],
  ['"GET / HTTP/1.1" 200 499 "-" "x"', 'nginx-499'],
  ['the disk SD failed', 'haproxy-SD'],
  ['an SD card', 'haproxy-SD'],
  ['Errno 1040', 'python-errno-104'],
  ['RST_STREAM closed stream. HTTP/2 error code: PROTOCOL_ERROR', 'errno-econnreset'],
  ['SSL SYSCALL error: EOF detected', 'go-eof'],
  ['Net::ReadTimeout', 'python-read-timeout'],
  ['Errno 320', 'python-errno-32'],
  [
    'upstream timed out (110: Connection timed out) while connecting to upstream',
    'nginx-upstream-timeout',
  ],
  ['FATAL: too many connections for role "x"', 'mysql-too-many-connections'],
]

const unknown = [
  '',
  'reset the counter',
  'first',
  '   ',
  'hello',
  'everything is fine',
  '200 OK',
  'segmentation fault',
  '12345',
]

describe('error lines', () => {
  test.each(hits)('%s', (line, first) => {
    expect(matchErrors(line)[0]?.id).toBe(first)
  })

  test.each(nearMisses)('near miss: %s is not %s', (line, not) => {
    expect(matchErrors(line).map((p) => p.id)).not.toContain(not)
  })

  test.each(unknown)('unknown: "%s"', (line) => {
    expect(matchErrors(line)).toEqual([])
  })

  test('every pattern comes first for some line of the table, so that no pattern is dead', () => {
    const first = new Set(hits.map(([, id]) => id))
    const missing = errorPatterns.map((p) => p.id).filter((id) => !first.has(id))
    expect(missing).toEqual([])
  })

  test('ids are unique and what they hide exists', () => {
    const ids = errorPatterns.map((p) => p.id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const hidden of errorPatterns.flatMap((p) => p.hides ?? [])) expect(ids).toContain(hidden)
  })

  test('a RST is told apart by state: ESTABLISHED, CLOSE-WAIT, SYN-SENT', () => {
    const wires = ['ECONNRESET', 'EPIPE', 'ECONNREFUSED'].map((e) => matchErrors(e)[0]?.wire)
    expect(wires).toEqual(['rst', 'fin-then-rst', 'syn-rst'])
  })

  test('a stack trace over several lines is read as a whole', () => {
    const trace =
      'Exception in thread "main"\n  java.net.SocketException:\n  Connection reset\n  at x'
    expect(matchErrors(trace)[0]?.id).toBe('java-connection-reset')
  })

  test('hostile length: what lies behind the limit is not looked at, and it stays quick', () => {
    expect(matchErrors(`${'x'.repeat(MAX_LINE)} ECONNRESET`)).toEqual([])
    const started = performance.now()
    for (const unit of [
      'read tcp ',
      'curl ',
      'SD ',
      '(104: ',
      "Can't connect to MySQL server on '",
    ]) {
      matchErrors(unit.repeat(4000))
    }
    expect(performance.now() - started).toBeLessThan(2000)
  })
})
