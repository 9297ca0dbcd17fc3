import {
  connectCauses,
  cutBodyCauses,
  type ErrorPattern,
  finCauses,
  onTheWire,
  refusedCauses,
  resetCauses,
  slowCauses,
} from './pattern.ts'

/** curl's exit codes as "curl: (56) ...", "curl 56", "curl exit code 56"; not the 7 of "curl/7.88". */
function code(number: number, text: string): RegExp {
  const named = `\\bcurl(?:: \\(|\\(|:? (?:exit(?:ed)?(?: with)? )?(?:code |status |error )?\\(?)${number}\\b\\)?(?![.\\d])`
  return new RegExp(`${named}(?: ${text})?|${text}`, 'i')
}

export const curlErrors: readonly ErrorPattern[] = [
  {
    id: 'curl-7',
    from: 'curl',
    match: code(7, '(?:Failed to connect to|Couldn.t connect to server)'),
    wire: 'any',
    seen: 'Connecting failed at once: RST to the SYN, or ICMP. (Nothing at all would be code 28.)',
    causes: [...refusedCauses, 'host-unreachable'],
    next: ['reach', 'listener', 'capture', 'diagnose'],
  },
  {
    id: 'curl-18',
    from: 'curl',
    match: code(18, '(?:transfer closed with|end of response with) .{0,40}(?:remaining|missing)'),
    wire: 'fin',
    seen: onTheWire.finMidBody,
    causes: cutBodyCauses,
    next: ['capture', 'kernel-log', 'diagnose'],
  },
  {
    id: 'curl-28-connect',
    from: 'curl',
    match:
      /\bcurl\b[^\n]{0,40}?\(28\)[^\n]{0,60}(?:Connection timed? ?out|Failed to connect)|Connection timed out after \d{1,9} milliseconds/i,
    wire: 'silence',
    seen: onTheWire.connectSilence,
    causes: connectCauses,
    next: ['reach', 'capture', 'listener', 'diagnose'],
    hides: ['curl-28', 'errno-etimedout', 'curl-7'],
  },
  {
    id: 'curl-28',
    from: 'curl',
    match: code(28, 'Operation timed out after \\d{1,9} milliseconds'),
    wire: 'silence',
    seen: `${onTheWire.silence} "0 bytes received": connect or answer missing; else it stopped midway.`,
    causes: [...slowCauses, 'connect-filtered', 'zero-window-stall'],
    next: ['capture', 'stacks', 'diagnose'],
  },
  {
    id: 'curl-35',
    from: 'curl',
    match: code(35, '(?:SSL_connect|TLS connect error)'),
    wire: 'any',
    seen: 'The TLS handshake failed: alert, FIN, RST, or plain text from the other side.',
    causes: ['tls-failure', 'injected-reset', 'accept-and-close'],
    next: ['capture'],
  },
  {
    id: 'curl-52',
    from: 'curl',
    match: code(52, 'Empty reply from server'),
    wire: 'fin',
    seen: `${onTheWire.fin} During an upload it may also stand for a RST.`,
    causes: finCauses,
    next: ['capture', 'idle', 'kernel-log', 'diagnose'],
  },
  {
    id: 'curl-55',
    from: 'curl',
    match: code(55, 'Send failure: (?:Connection reset by peer|Broken pipe)'),
    wire: 'any',
    seen: 'The connection ended while curl was sending: often an early answer to an upload.',
    causes: ['close-with-unread-data', 'data-after-close', 'middlebox-idle-timeout'],
    next: ['capture', 'reasons', 'diagnose'],
  },
  {
    id: 'curl-56',
    from: 'curl',
    match: code(56, 'Recv failure: Connection reset by peer'),
    wire: 'rst',
    seen: onTheWire.rst,
    causes: resetCauses,
    next: ['capture', 'reasons', 'idle', 'diagnose'],
  },
]
