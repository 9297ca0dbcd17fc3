import type { HostRead, Unreadable } from '../../host/host-files.ts'
import { type Libc, loadLibc } from './libc.ts'

const AF_NETLINK = 16
const SOCK_RAW_CLOEXEC = 3 | 0o2000000
const NETLINK_SOCK_DIAG = 4
const SOL_SOCKET = 1
const SO_RCVTIMEO = 20
const MSG_TRUNC = 0x20
const EPROTONOSUPPORT = 93

/** The kernel fills parts of at most 32 KiB; a shorter buffer loses sockets silently (8 KiB: three in four). */
const PART = 64 * 1024
/** Parts lie behind each other in slabs: as many small arrays keep the garbage collector busy. */
const FIRST_SLAB = 2 * PART
const SLAB = 4 * 1024 * 1024
/** Longer than any answer takes: nothing may wait for ever. */
const PATIENCE_S = 5

const PATH = 'sock_diag'

/** One request to the kernel's sock_diag in the calling thread's network namespace; see HostFiles.sockDiag. */
export function askSockDiag(
  request: Uint8Array,
  take: (octets: Uint8Array) => boolean,
): HostRead<null> {
  const loaded = loadLibc()
  if (loaded.is !== 'loaded') return failed(loaded.why)
  const { libc } = loaded
  const fd = libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_SOCK_DIAG)
  if (fd < 0) {
    const errno = libc.errno()
    return failed(
      errno === EPROTONOSUPPORT ? 'the kernel has no sock_diag' : `socket() gave errno ${errno}`,
    )
  }
  try {
    libc.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeval(PATIENCE_S), 16)
    if (libc.send(fd, request, request.length, 0) !== request.length) {
      return failed(`send() gave errno ${libc.errno()}`)
    }
    return receive(libc, fd, take)
  } finally {
    libc.close(fd)
  }
}

function receive(libc: Libc, fd: number, take: (octets: Uint8Array) => boolean): HostRead<null> {
  let slab = new Uint8Array(FIRST_SLAB)
  let used = 0
  for (;;) {
    if (slab.length - used < PART) {
      slab = new Uint8Array(SLAB)
      used = 0
    }
    const room = slab.subarray(used)
    const length = libc.recv(fd, room, room.length, MSG_TRUNC)
    if (length <= 0) return failed(`recv() gave errno ${libc.errno()}`)
    if (length > room.length) return failed(`an answer of ${length} octets`)
    used += length
    if (take(room.subarray(0, length))) return { is: 'read', value: null }
  }
}

/** struct timeval of 64-bit and, as its beginning is the same, of 32-bit little-endian machines. */
function timeval(seconds: number): Uint8Array {
  return new Uint8Array(new BigInt64Array([BigInt(seconds), 0n]).buffer)
}

function failed(detail: string): Unreadable {
  return { is: 'unreadable', why: 'failed', path: PATH, detail }
}
