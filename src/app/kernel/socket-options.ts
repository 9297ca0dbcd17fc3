// Linux include/uapi/asm-generic/socket.h, include/uapi/linux/tcp.h (v6.18): the same numbers on x86-64 and arm64.
import { endianness } from 'node:os'
import { decodeTcpInfo, type TcpInfo } from '../../host/kernel/tcp-info.ts'
import type { Keepalive } from '../../probe/port.ts'
import type { Libc } from './libc.ts'

const SOL_SOCKET = 1
const SO_KEEPALIVE = 9
const IPPROTO_TCP = 6
const TCP_KEEPIDLE = 4
const TCP_KEEPINTVL = 5
const TCP_KEEPCNT = 6
const TCP_INFO = 11
/** 280 octets in 6.18; it only grows. */
const MAX_TCP_INFO = 512
/** Linux include/linux/socket.h */
const MSG_DONTWAIT = 0x40
const MSG_NOSIGNAL = 0x4000

/** Options of a socket that Node cannot set or read. */
export interface SocketOptions {
  /** False: the kernel refused one. */
  keepalive(fd: number, settings: Keepalive): boolean
  /** A keepalive probe now, if nothing came for a second or more: tcp_sock_set_keepidle_locked starts the timer at once. */
  probeNow(fd: number): boolean
  info(fd: number): TcpInfo | null
  /** Octets that the kernel took at once; -1: none (full, closed, not connected yet). */
  send(fd: number, octets: Uint8Array): number
}

export function socketOptions(libc: Libc): SocketOptions {
  const little = endianness() === 'LE'
  const int = (value: number) => {
    const octets = new Uint8Array(4)
    new DataView(octets.buffer).setInt32(0, value, little)
    return octets
  }
  const set = (fd: number, level: number, name: number, value: number) =>
    libc.setsockopt(fd, level, name, int(value), 4) === 0
  return {
    keepalive: (fd, { idleS, intervalS, count }) =>
      set(fd, SOL_SOCKET, SO_KEEPALIVE, 1) &&
      set(fd, IPPROTO_TCP, TCP_KEEPINTVL, intervalS) &&
      set(fd, IPPROTO_TCP, TCP_KEEPCNT, count) &&
      set(fd, IPPROTO_TCP, TCP_KEEPIDLE, idleS),
    probeNow: (fd) =>
      set(fd, SOL_SOCKET, SO_KEEPALIVE, 1) &&
      set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 1) &&
      set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 1),
    send: (fd, octets) => libc.send(fd, octets, octets.length, MSG_DONTWAIT | MSG_NOSIGNAL),
    info(fd) {
      const octets = new Uint8Array(MAX_TCP_INFO)
      const size = int(MAX_TCP_INFO)
      if (libc.getsockopt(fd, IPPROTO_TCP, TCP_INFO, octets, size) !== 0) return null
      const length = new DataView(size.buffer).getInt32(0, little)
      return decodeTcpInfo(octets.subarray(0, length), little)
    },
  }
}
