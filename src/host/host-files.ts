import type { Space } from './facts.ts'

/**
 * All that host code sees of a machine, read-only: this one (src/app/node-host.ts), a recorded one (test/hosts/), a bundle.
 * Reading is synchronous: after setns() only the calling thread is in the other namespace, libuv's pool is not.
 */
export interface HostFiles {
  /** What the kernel calls itself, as `uname -r`: "6.1.0-32-amd64". */
  release(): string
  /** As `process.platform`: "linux", "darwin", "win32". */
  platform(): string
  /** Of the kernel's numbers in files and messages. */
  endianness(): 'BE' | 'LE'
  hostName(): string
  /** Monotonic milliseconds, for the ages of things. */
  nowMs(): number
  /** Milliseconds since 1970, to name the moment. */
  epochMs(): number
  text(path: string): HostRead<string>
  bytes(path: string): HostRead<Uint8Array>
  /** Of a folder, in no order. */
  names(path: string): HostRead<readonly string[]>
  /** Where a symbolic link points: "socket:[1234]". */
  link(path: string): HostRead<string>
  /** Inode of what a path leads to, links followed: which namespace /run/netns/blue is. */
  inode(path: string): HostRead<number>
  /** Octets of a file as its folder says; of /proc/PID/fd, since Linux 6.2, the number of open descriptors (before: 0). */
  size(path: string): HostRead<number>
  /** Of the file system that a path is on, as statfs(2). */
  space(path: string): HostRead<Space>
  /**
   * Asks NETLINK_SOCK_DIAG of the current network namespace. A port may answer with more sockets than asked for
   * (a recording cannot filter): the caller looks again.
   * @param take  gets what each recv() gave, which it may keep; answers true when that was the last
   */
  sockDiag(request: Uint8Array, take: (octets: Uint8Array) => boolean): HostRead<null>
  /**
   * What `ss` prints with these arguments in the current network namespace.
   * @param path  another namespace, where inNamespace cannot enter it but nsenter(1) may
   */
  ss(args: readonly string[], path?: string): HostRead<string>
  /** What `nft -j list ruleset` prints in the current network namespace. */
  nft(): HostRead<string>
  /**
   * Looks from within another network namespace: /proc/net, /proc/sys/net, sockDiag and ss are those of it meanwhile.
   * @param path  /run/netns/blue or /proc/77/ns/net
   */
  inNamespace<T>(path: string, look: (host: HostFiles) => T): HostRead<T>
}

/** What was read, or why not. "There is no such file" and "not for you" are different answers. */
export type HostRead<T> = { is: 'read'; value: T } | Unreadable

export interface Unreadable {
  is: 'unreadable'
  why: 'missing' | 'denied' | 'too-big' | 'failed'
  path: string
  /** In words, where `why` says too little. */
  detail?: string
}

/** The value, or null for whatever reason. */
export function readOrNull<T>(read: HostRead<T>): T | null {
  return read.is === 'read' ? read.value : null
}

/** "/proc/net/tcp: no such file" */
export function whyUnreadable(read: Unreadable): string {
  return `${read.path}: ${read.detail ?? WHY[read.why]}`
}

const WHY = {
  missing: 'no such file',
  denied: 'permission denied',
  'too-big': 'larger than tcpwhy reads',
  failed: 'reading failed',
} as const
