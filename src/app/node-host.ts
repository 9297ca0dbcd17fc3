import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  statfsSync,
  statSync,
} from 'node:fs'
import { endianness, hostname, release } from 'node:os'
import type { Space } from '../host/facts.ts'
import type { HostFiles, HostRead } from '../host/host-files.ts'
import { inNamespace } from './kernel/namespace.ts'
import { runNft } from './kernel/nft.ts'
import { askSockDiag } from './kernel/sock-diag.ts'
import { runSs } from './kernel/ss.ts'

/** 64 MiB: /proc/net/tcp of 400,000 sockets. */
const MAX_BYTES = 64 * 1024 * 1024
const FIRST_BYTES = 16 * 1024

/** This machine. Only reads; runs nothing but `ss`, where netlink cannot be asked, and `nft list ruleset`. */
export function nodeHost(limits: { maxBytes: number } = { maxBytes: MAX_BYTES }): HostFiles {
  const bytes = (path: string) => attempt(path, () => readWhole(path, limits.maxBytes))
  const text = (path: string): HostRead<string> => {
    const read = bytes(path)
    return read.is === 'read' ? { is: 'read', value: read.value.toString('utf8') } : read
  }
  const host: HostFiles = {
    release,
    platform: () => process.platform,
    endianness,
    hostName: hostname,
    nowMs: () => performance.now(),
    epochMs: Date.now,
    text,
    bytes,
    names: (path) => attempt(path, () => readdirSync(path)),
    link: (path) => attempt(path, () => readlinkSync(path)),
    inode: (path) => attempt(path, () => statSync(path).ino),
    size: (path) => attempt(path, () => statSync(path).size),
    space: (path) => attempt(path, () => spaceOf(path)),
    sockDiag: askSockDiag,
    ss: runSs,
    nft: runNft,
    inNamespace: (path, look) => inNamespace(path, () => look(host)),
  }
  return host
}

function spaceOf(path: string): Space {
  const { bsize, blocks, bavail, files, ffree } = statfsSync(path)
  // Where root alone may use the rest, bavail is below zero on some file systems.
  const available = Math.max(0, bavail) * bsize
  return { size: blocks * bsize, available, inodes: files, inodesFree: ffree }
}

class TooBig extends Error {}

class NoFile extends Error {}

/** A container may put a FIFO or a device where a configuration is looked for: that must neither wait nor do anything. */
const HARMLESS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY

/** Files of /proc say that they are empty, so their end is looked for by reading. */
function readWhole(path: string, maxBytes: number): Buffer {
  if (!statSync(path).isFile()) throw new NoFile()
  const file = openSync(path, HARMLESS)
  try {
    if (!fstatSync(file).isFile()) throw new NoFile()
    let octets = Buffer.allocUnsafe(FIRST_BYTES)
    let used = 0
    for (;;) {
      const count = readSync(file, octets, used, octets.length - used, null)
      if (count === 0) return octets.subarray(0, used)
      used += count
      if (used > maxBytes) throw new TooBig()
      if (used === octets.length) octets = Buffer.concat([octets], octets.length * 2)
    }
  } finally {
    closeSync(file)
  }
}

function attempt<T>(path: string, read: () => T): HostRead<T> {
  try {
    return { is: 'read', value: read() }
  } catch (cause) {
    return { is: 'unreadable', why: whyOf(cause), path }
  }
}

function whyOf(cause: unknown): 'missing' | 'denied' | 'too-big' | 'failed' {
  if (cause instanceof TooBig) return 'too-big'
  const code = cause instanceof Error && 'code' in cause ? cause.code : ''
  if (code === 'ENOENT' || code === 'ESRCH' || code === 'ENOTDIR') return 'missing'
  return code === 'EACCES' || code === 'EPERM' ? 'denied' : 'failed'
}
