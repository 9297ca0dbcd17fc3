import {
  cutBodyCauses,
  type ErrorPattern,
  finCauses,
  onTheWire,
  resetCauses,
  slowCauses,
} from './pattern.ts'

/** Node.js http and fetch (undici). Measured with Node 20. Plain ECONNRESET and the like are in errno.ts. */
export const nodeErrors: readonly ErrorPattern[] = [
  {
    id: 'node-socket-hang-up',
    from: 'Node http',
    match: /socket hang up/,
    wire: 'fin',
    seen:
      'The peer closed with FIN instead of an answer. Node gives this error the code ECONNRESET ' +
      'although no RST was on the wire.',
    causes: finCauses,
    next: ['capture', 'idle', 'kernel-log', 'diagnose'],
    hides: ['errno-econnreset'],
  },
  {
    id: 'node-other-side-closed',
    from: 'Node fetch (undici)',
    match: /other side closed|UND_ERR_SOCKET/,
    wire: 'fin',
    seen: 'The peer closed with FIN, before the answer or in the middle of it. No RST.',
    causes: finCauses,
    next: ['capture', 'idle', 'diagnose'],
    hides: ['node-terminated', 'errno-econnreset'],
  },
  {
    id: 'node-terminated',
    from: 'Node fetch (undici)',
    match: /TypeError: terminated|^terminated$/,
    wire: 'rst',
    seen:
      'The answer had begun and its connection ended: by RST if the cause is ECONNRESET, by FIN if ' +
      'the cause is "other side closed" (UND_ERR_SOCKET). Look at error.cause.',
    causes: [...cutBodyCauses, 'middlebox-idle-timeout', 'injected-reset'],
    next: ['capture', 'reasons', 'diagnose'],
  },
  {
    id: 'node-aborted',
    from: 'Node http',
    match: /Error: aborted\b/,
    wire: 'any',
    seen: 'The answer was cut short, by FIN or by RST: the code ECONNRESET is the same for both.',
    causes: cutBodyCauses,
    next: ['capture', 'kernel-log', 'diagnose'],
    hides: ['errno-econnreset'],
  },
  {
    id: 'node-read-econnreset',
    from: 'Node',
    match: /read ECONNRESET/,
    wire: 'rst',
    seen: onTheWire.rst,
    causes: resetCauses,
    next: ['capture', 'reasons', 'idle', 'diagnose'],
  },
  {
    id: 'node-connect-timeout',
    from: 'Node fetch (undici)',
    match: /UND_ERR_CONNECT_TIMEOUT|Connect Timeout Error/i,
    wire: 'silence',
    seen: onTheWire.connectSilence,
    causes: ['connect-filtered', 'accept-queue-overflow', 'asymmetric-path', 'host-unreachable'],
    next: ['reach', 'capture', 'listener', 'diagnose'],
  },
  {
    id: 'node-headers-timeout',
    from: 'Node fetch (undici)',
    match: /UND_ERR_HEADERS_TIMEOUT|UND_ERR_BODY_TIMEOUT|Headers Timeout Error|Body Timeout Error/i,
    wire: 'silence',
    seen: onTheWire.silence,
    causes: slowCauses,
    next: ['capture', 'stacks', 'diagnose'],
  },
  {
    id: 'node-fetch-failed',
    rank: 2,
    from: 'Node fetch (undici)',
    match: /TypeError: fetch failed/,
    wire: 'any',
    seen: 'This message hides the reason: print error.cause and explain that line instead.',
    causes: ['port-closed', 'connect-filtered', 'keep-alive-race', 'tls-failure'],
    next: ['reach', 'capture'],
  },
]
