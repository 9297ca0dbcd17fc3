import { closeSync, openSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { assert } from '../../base/assert.ts'
import type { HostRead, Unreadable } from '../../host/host-files.ts'
import { type Libc, loadLibc } from './libc.ts'

const CLONE_NEWNET = 0x40000000
const EPERM = 1
const EINVAL = 22

/**
 * Runs `look` within another network namespace and comes back, whatever happens. Everything in `look` must be
 * synchronous: only this thread is there.
 * @param path  /run/netns/blue or /proc/77/ns/net
 */
export function inNamespace<T>(path: string, look: () => T): HostRead<T> {
  const loaded = loadLibc()
  if (loaded.is !== 'loaded') return unreadable(path, 'failed', loaded.why)
  // /proc/net is that of the process's main thread: a worker would read the wrong one.
  if (!isMainThread) return unreadable(path, 'failed', 'only the main thread can enter it')
  const there = opened(path)
  if (there.is !== 'read') return there
  const back = opened('/proc/self/ns/net')
  if (back.is !== 'read') {
    closeSync(there.value)
    return back
  }
  try {
    return within(loaded.libc, { there: there.value, back: back.value, path }, look)
  } finally {
    closeSync(there.value)
    closeSync(back.value)
  }
}

function within<T>(
  libc: Libc,
  { there, back, path }: { there: number; back: number; path: string },
  look: () => T,
): HostRead<T> {
  if (libc.setns(there, CLONE_NEWNET) !== 0) {
    const errno = libc.errno()
    if (errno === EPERM) return unreadable(path, 'denied', 'entering it needs CAP_SYS_ADMIN')
    // A file of /run/netns before its namespace is mounted there, or after.
    return errno === EINVAL
      ? unreadable(path, 'missing')
      : unreadable(path, 'failed', `setns() gave errno ${errno}`)
  }
  try {
    return { is: 'read', value: look() }
  } finally {
    const errno = libc.setns(back, CLONE_NEWNET) === 0 ? 0 : libc.errno()
    assert(errno === 0, `not back in the own network namespace: errno ${errno}`)
  }
}

function opened(path: string): HostRead<number> {
  try {
    return { is: 'read', value: openSync(path, 'r') }
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : ''
    const isDenied = code === 'EACCES' || code === 'EPERM'
    return isDenied
      ? unreadable(path, 'denied', 'opening it needs CAP_SYS_PTRACE')
      : unreadable(path, 'missing')
  }
}

function unreadable(path: string, why: Unreadable['why'], detail?: string): Unreadable {
  return { is: 'unreadable', why, path, ...(detail === undefined ? {} : { detail }) }
}
