// Linux include/uapi/asm-generic/errno-base.h and errno.h, v6.18: those that calls on sockets and errors of sockets have.
// alpha, mips, parisc and sparc number them otherwise; Node has no build for them but mips, which nobody runs it on.

const byNumber = {
  1: 'EPERM',
  2: 'ENOENT',
  4: 'EINTR',
  11: 'EAGAIN',
  12: 'ENOMEM',
  13: 'EACCES',
  22: 'EINVAL',
  23: 'ENFILE',
  24: 'EMFILE',
  32: 'EPIPE',
  71: 'EPROTO',
  88: 'ENOTSOCK',
  90: 'EMSGSIZE',
  92: 'ENOPROTOOPT',
  97: 'EAFNOSUPPORT',
  98: 'EADDRINUSE',
  99: 'EADDRNOTAVAIL',
  100: 'ENETDOWN',
  101: 'ENETUNREACH',
  103: 'ECONNABORTED',
  104: 'ECONNRESET',
  105: 'ENOBUFS',
  106: 'EISCONN',
  107: 'ENOTCONN',
  110: 'ETIMEDOUT',
  111: 'ECONNREFUSED',
  112: 'EHOSTDOWN',
  113: 'EHOSTUNREACH',
  114: 'EALREADY',
  115: 'EINPROGRESS',
} as const

export type ErrnoName = (typeof byNumber)[keyof typeof byNumber]

/** @param errno  110 or -110. @returns "ETIMEDOUT", or "errno 5" for one that the table does not know */
export function errnoName(errno: number): string {
  const number = Math.abs(errno)
  return (byNumber as Record<number, string>)[number] ?? `errno ${number}`
}

export function errnoNumber(name: ErrnoName): number {
  return Number(Object.entries(byNumber).find(([, known]) => known === name)![0])
}
