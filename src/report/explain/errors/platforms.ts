import {
  connectCauses,
  type ErrorPattern,
  finCauses,
  onTheWire,
  refusedCauses,
  resetCauses,
  slowCauses,
} from './pattern.ts'

/** .NET, whose messages on Windows are those of Winsock. The wording is from its sources, not measured by us. */
const dotnetErrors: readonly ErrorPattern[] = [
  {
    id: 'dotnet-forcibly-closed',
    from: '.NET, Winsock 10054',
    match:
      /An existing connection was forcibly closed by the remote host|SocketException \((?:104|10054)\)(?:: Connection reset by peer)?/,
    wire: 'rst',
    seen: onTheWire.rst,
    causes: resetCauses,
    next: ['capture', 'reasons', 'idle', 'diagnose'],
    hides: ['dotnet-transport'],
  },
  {
    id: 'dotnet-response-ended',
    from: '.NET HttpClient',
    match: /The response ended prematurely|ResponseEnded\b/,
    wire: 'fin',
    seen: 'The peer closed with FIN before the answer, or in the middle of it. No RST.',
    causes: finCauses,
    next: ['capture', 'idle', 'kernel-log', 'diagnose'],
  },
  {
    id: 'dotnet-http-timeout',
    from: '.NET HttpClient',
    match: /canceled due to the configured HttpClient\.Timeout of [\d.]{1,12} seconds/,
    wire: 'silence',
    seen: `${onTheWire.silence} The time counts from before the connect: that may have taken it all.`,
    causes: slowCauses,
    next: ['capture', 'stacks', 'diagnose'],
  },
  {
    id: 'dotnet-no-response',
    from: '.NET, Winsock 10060',
    match:
      /A connection attempt failed because the connected party did not properly respond|SocketException \((?:110|10060)\)/,
    wire: 'silence',
    seen: onTheWire.connectSilence,
    causes: connectCauses,
    next: ['reach', 'capture', 'listener', 'diagnose'],
  },
  {
    id: 'dotnet-refused',
    from: '.NET, Winsock 10061',
    match: /target machine actively refused it|SocketException \((?:111|10061)\)/,
    wire: 'syn-rst',
    seen: onTheWire.refused,
    causes: refusedCauses,
    next: ['reach', 'listener', 'capture', 'diagnose'],
  },
  {
    id: 'dotnet-transport',
    rank: 2,
    from: '.NET',
    match: /Unable to (?:read data from|write data to) the transport connection/,
    wire: 'any',
    seen: 'The connection ended under it; the exception inside (SocketException) says how.',
    causes: resetCauses,
    next: ['capture', 'idle', 'diagnose'],
  },
  {
    id: 'dotnet-ssl',
    rank: 2,
    from: '.NET HttpClient',
    match: /The SSL connection could not be established/,
    wire: 'any',
    seen: 'An alert, FIN or RST ended the TLS handshake; the exception inside says which.',
    causes: ['tls-failure', 'accept-and-close', 'injected-reset'],
    next: ['capture'],
  },
]

/** Ruby's Net::HTTP. Other errors of Ruby have the errno in their name. Not measured by us. */
const rubyErrors: readonly ErrorPattern[] = [
  {
    id: 'ruby-open-timeout',
    from: 'Ruby Net::HTTP',
    match: /Net::OpenTimeout/,
    wire: 'silence',
    seen: onTheWire.connectSilence,
    causes: connectCauses,
    next: ['reach', 'capture', 'listener', 'diagnose'],
  },
  {
    id: 'ruby-read-timeout',
    from: 'Ruby Net::HTTP',
    match: /Net::(?:Read|Write)Timeout/,
    wire: 'silence',
    seen: onTheWire.silence,
    causes: slowCauses,
    next: ['capture', 'stacks', 'diagnose'],
    hides: ['python-read-timeout'],
  },
  {
    id: 'ruby-eof',
    from: 'Ruby',
    match: /\bEOFError\b|end of file reached/,
    wire: 'fin',
    seen: onTheWire.fin,
    causes: finCauses,
    next: ['capture', 'idle', 'kernel-log', 'diagnose'],
  },
  {
    id: 'ruby-econnreset',
    from: 'Ruby',
    match: /Errno::ECONNRESET(?:: Connection reset by peer)?(?: - SSL_connect)?/,
    wire: 'rst',
    seen: onTheWire.rst,
    causes: resetCauses,
    next: ['capture', 'reasons', 'idle', 'diagnose'],
    hides: ['curl-35'],
  },
]

/** Rust's hyper, Reactor Netty, gRPC and Kafka for Java, OpenSSH. The wording is from their sources, not measured by us. */
const otherErrors: readonly ErrorPattern[] = [
  {
    id: 'hyper-incomplete-message',
    from: 'Rust hyper / reqwest',
    match: /\bIncompleteMessage\b|connection closed before message completed/,
    wire: 'fin',
    seen: 'The peer closed with FIN before its answer was whole. No RST.',
    causes: finCauses,
    next: ['capture', 'idle', 'kernel-log', 'diagnose'],
  },
  {
    id: 'netty-premature-close',
    from: 'Reactor Netty',
    match: /PrematureCloseException|Connection prematurely closed (?:BEFORE|DURING) response/,
    wire: 'fin',
    seen: 'The peer closed with FIN before the answer (BEFORE), or in the middle of it (DURING).',
    causes: finCauses,
    next: ['capture', 'idle', 'kernel-log', 'diagnose'],
  },
  {
    id: 'grpc-java-unavailable',
    rank: 2,
    from: 'gRPC for Java',
    match: /UNAVAILABLE: (?:io exception|Network closed for unknown reason)/,
    wire: 'any',
    seen: 'The connection could not be made, or ended: "Caused by" below it says how.',
    causes: ['port-closed', ...resetCauses],
    next: ['capture', 'reach', 'idle', 'diagnose'],
  },
  {
    id: 'kafka-node-unavailable',
    from: 'Kafka client',
    match: /Connection to node -?\d{1,10} \([^)]{0,200}\) could not be established/,
    wire: 'any',
    seen: 'The connect failed: RST to the SYN, or no answer within socket.connection.setup.timeout.ms.',
    causes: [...refusedCauses, ...connectCauses],
    next: ['reach', 'listener', 'capture', 'diagnose'],
  },
  {
    id: 'ssh-closed-by-remote',
    from: 'OpenSSH',
    match: /Connection closed by (?:remote host|\S{1,100} port \d{1,5})/,
    wire: 'fin',
    seen: 'The server closed with FIN before the login was done: MaxStartups, a ban, or a refused key.',
    causes: ['accept-and-close', 'connection-limit', 'process-killed'],
    next: ['capture', 'kernel-log', 'diagnose'],
  },
  {
    id: 'http2-stream-reset',
    from: 'HTTP/2',
    match: /\bRST_STREAM\b|HTTP\/2 stream \d{1,10} was not closed cleanly/,
    wire: 'message',
    seen:
      'A frame (RST_STREAM) that ended one stream of HTTP/2. It is no RST: the TCP connection goes on, ' +
      'and the reason is the program that sent the frame.',
    causes: ['client-cancelled', 'client-timeout', 'server-stalled'],
    next: ['capture', 'stacks'],
  },
]

export const platformErrors: readonly ErrorPattern[] = [
  ...dotnetErrors,
  ...rubyErrors,
  ...otherErrors,
]
