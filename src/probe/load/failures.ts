import type { SocketFailure } from '../port.ts'

/** What a failed request died of, as TCP saw it. Sorted as a request goes: before, during and after the handshake. */
export const failureKinds = [
  'no-descriptor',
  'no-local-port',
  'connect-refused',
  'connect-reset',
  'connect-unreachable',
  'connect-timeout',
  'connect-failed',
  'tls-failed',
  'send-reset',
  'send-timeout',
  'receive-reset',
  'receive-timeout',
  'receive-eof',
  'response-reset',
  'response-timeout',
  'response-eof',
  'response-malformed',
  'other',
] as const

export type FailureKind = (typeof failureKinds)[number]

/**
 * How far the request was. 'sending': some of it is not yet with the kernel; 'waiting': all sent, no octet of the answer;
 * 'answering': some of the answer came.
 */
export type RequestPhase = 'connecting' | 'sending' | 'waiting' | 'answering'

/** Our own time limit: connect, or request, by the phase it fired in. */
export function failureOfTimeout(phase: RequestPhase): FailureKind {
  const kinds = {
    connecting: 'connect-timeout',
    sending: 'send-timeout',
    waiting: 'receive-timeout',
    answering: 'response-timeout',
  } as const
  return kinds[phase]
}

/** The peer's FIN where an answer, or the rest of it, should have come. */
export function failureOfEnd(phase: RequestPhase): FailureKind {
  return phase === 'answering' ? 'response-eof' : 'receive-eof'
}

const LOCAL: Record<string, FailureKind> = {
  EMFILE: 'no-descriptor',
  ENFILE: 'no-descriptor',
  EADDRNOTAVAIL: 'no-local-port',
}

const CONNECT: Record<string, FailureKind> = {
  ECONNREFUSED: 'connect-refused',
  ECONNRESET: 'connect-reset',
  ETIMEDOUT: 'connect-timeout',
  // ICMP destination unreachable by its codes, and a local rule or route: tcp-resets.md 1.5
  EHOSTUNREACH: 'connect-unreachable',
  ENETUNREACH: 'connect-unreachable',
  ENOPROTOOPT: 'connect-unreachable',
  EACCES: 'connect-unreachable',
  EPERM: 'connect-unreachable',
}

/** @see tcp-resets.md 1.2: a RST is ECONNREFUSED in SYN-SENT, EPIPE in CLOSE-WAIT, else ECONNRESET */
export function failureOfSocket(
  { code, syscall }: SocketFailure,
  phase: RequestPhase,
): FailureKind {
  const local = LOCAL[code]
  if (local !== undefined) return local
  if (syscall === 'tls') return 'tls-failed'
  if (phase === 'connecting') return CONNECT[code] ?? 'connect-failed'
  if (code === 'EPIPE') return 'send-reset'
  if (code === 'ETIMEDOUT' || code === 'EHOSTUNREACH') return failureOfTimeout(phase)
  if (code !== 'ECONNRESET') return 'other'
  if (phase === 'answering') return 'response-reset'
  return syscall === 'write' || phase === 'sending' ? 'send-reset' : 'receive-reset'
}
