import { createRequire } from 'node:module'

/** The system calls that Node does not offer. Synchronous ones only: setns() is of the calling thread. */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, size: number): number
  /** `address`: struct sockaddr_in or sockaddr_in6. */
  connect(fd: number, address: Uint8Array, size: number): number
  /** `size`: one int32, in and out. */
  getsockopt(fd: number, level: number, name: number, value: Uint8Array, size: Uint8Array): number
  getsockname(fd: number, address: Uint8Array, size: Uint8Array): number
  send(fd: number, octets: Uint8Array, size: number, flags: number): number
  recv(fd: number, octets: Uint8Array, size: number, flags: number): number
  setns(fd: number, kind: number): number
  /** @param ends  gets the reading and the writing end */
  pipe2(ends: Int32Array, flags: number): number
  fcntl(fd: number, command: number, value: number): number
  close(fd: number): number
  /** Each argument behind the number of the call is a C type and a value. */
  syscall(number: number, ...typed: readonly (string | number | null)[]): number
  /** Of the last call. */
  errno(): number
}

/** `why` is for people: koffi is optional, has no build for every machine, and `node --no-addons` forbids it. */
export type LoadedLibc = { is: 'loaded'; libc: Libc } | { is: 'missing'; why: string }

let loaded: LoadedLibc | null = null

/** Loaded at the first call, which takes some 30 ms, and kept. */
export function loadLibc(): LoadedLibc {
  loaded ??= load()
  return loaded
}

function load(): LoadedLibc {
  if (process.platform !== 'linux') return { is: 'missing', why: 'this is no Linux' }
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
    const c = koffi.load(null) // the C library that Node itself runs on, whatever its name
    return {
      is: 'loaded',
      libc: {
        socket: c.func('int socket(int, int, int)'),
        setsockopt: c.func('int setsockopt(int, int, int, const void *, uint32_t)'),
        connect: c.func('int connect(int, const void *, uint32_t)'),
        getsockname: c.func('int getsockname(int, void *, void *)'),
        getsockopt: c.func('int getsockopt(int, int, int, void *, void *)'),
        send: c.func('intptr_t send(int, const void *, size_t, int)'),
        recv: c.func('intptr_t recv(int, void *, size_t, int)'),
        setns: c.func('int setns(int, int)'),
        pipe2: c.func('int pipe2(void *, int)'),
        fcntl: c.func('int fcntl(int, int, int)'),
        close: c.func('int close(int)'),
        syscall: c.func('long syscall(long, ...)'),
        errno: () => koffi.errno(),
      },
    }
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    const why =
      code === 'ERR_DLOPEN_DISABLED'
        ? 'native addons are forbidden (node --no-addons)'
        : 'the optional package koffi cannot be loaded'
    return { is: 'missing', why }
  }
}
