import type { HostPort } from './host-port.ts'

/**
 * All that the readers see of a machine: this one (src/app/node-host.ts), a recorded one (test/hosts/), later a bundle.
 * Reading is synchronous: after setns() only the calling thread is in the other namespace, libuv's pool is not.
 */
export interface HostFiles extends HostPort {
  /** Monotonic milliseconds, for the ages of things. */
  nowMs(): number
  text(path: string): HostRead<string>
  bytes(path: string): HostRead<Uint8Array>
  /** Of a folder, in no order. */
  names(path: string): HostRead<readonly string[]>
  /** Where a symbolic link points: "socket:[1234]". */
  link(path: string): HostRead<string>
}

/** What was read, or why not. "There is no such file" and "not for you" are different answers. */
export type HostRead<T> =
  | { is: 'read'; value: T }
  | { is: 'unreadable'; why: 'missing' | 'denied' | 'too-big' | 'failed'; path: string }

/** The value, or null for whatever reason. */
export function readOrNull<T>(read: HostRead<T>): T | null {
  return read.is === 'read' ? read.value : null
}

/** "/proc/net/tcp: no such file" */
export function whyUnreadable(read: HostRead<unknown> & { is: 'unreadable' }): string {
  return `${read.path}: ${WHY[read.why]}`
}

const WHY = {
  missing: 'no such file',
  denied: 'permission denied',
  'too-big': 'larger than tcpwhy reads',
  failed: 'reading failed',
} as const
