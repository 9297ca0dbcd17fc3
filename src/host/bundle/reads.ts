import type { Space } from '../facts.ts'
import type { HostRead, Unreadable } from '../host-files.ts'

/**
 * What was read of a host within one network namespace, or of what all of them share: enough to read it again elsewhere.
 * Octets are kept as they came.
 */
export interface Reads {
  files: Map<string, Uint8Array>
  /** Of folders. */
  names: Map<string, readonly string[]>
  links: Map<string, string>
  inodes: Map<string, number>
  sizes: Map<string, number>
  /** Of file systems. */
  spaces: Map<string, Space>
  /** Namespaces that were entered: by which path, and the scope (see scopeOf) of what was read there. */
  entered: Map<string, string>
  /** By call and path: "text /proc/net/tcp". */
  unreadable: Map<string, Unreadable>
  /** Answers of sock_diag by family, one after another. */
  sockDiag: Map<'inet' | 'inet6', readonly Uint8Array[]>
  /** What `ss` printed, whatever it was asked. */
  ss: string | null
  /** The rules of its packet filter, as `nft -j` prints them. */
  nft: string | null
}

/** One look at a host: its moment, and what was read. */
export interface RecordedLook {
  nowMs: number
  epochMs: number
  /** Scope of the namespace that the look began in. */
  own: string
  /** What all namespaces share, under HOST; the others by scope. */
  scopes: Map<string, Reads>
}

/** The scope of what is the same in every network namespace. */
export const HOST = 'host'

/** The scope of a network namespace: the inode of its file, which is also what links to it show. */
export function scopeOf(inode: number | null): string {
  return inode === null ? 'self' : String(inode)
}

export type Call =
  | 'file'
  | 'names'
  | 'link'
  | 'inode'
  | 'size'
  | 'space'
  | 'sockDiag'
  | 'ss'
  | 'nft'
  | 'inNamespace'

export function callKey(call: Call, path: string): string {
  return `${call} ${path}`
}

/** What differs from one network namespace to the next; everything else is the host's. */
export function isOfNamespace(path: string): boolean {
  return /^\/proc\/(net|sys\/net|self|thread-self)(\/|$)/.test(path)
}

export function noReads(): Reads {
  return {
    files: new Map(),
    names: new Map(),
    links: new Map(),
    inodes: new Map(),
    sizes: new Map(),
    spaces: new Map(),
    entered: new Map(),
    unreadable: new Map(),
    sockDiag: new Map(),
    ss: null,
    nft: null,
  }
}

/** As the kernel's UTF-8, whatever it holds: the same text whoever reads it. */
export function textOf(octets: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(octets)
}

export function textRead(read: HostRead<Uint8Array>): HostRead<string> {
  return read.is === 'read' ? { is: 'read', value: textOf(read.value) } : read
}

/** AF_INET6 in struct inet_diag_req_v2 behind the netlink header; everything else is taken for IPv4. */
export function familyOf(request: Uint8Array): 'inet' | 'inet6' {
  return request[NLMSG_HDR] === AF_INET6 ? 'inet6' : 'inet'
}

const NLMSG_HDR = 16
const AF_INET6 = 10

/** A file of a program, as configuration is: seen through the root of a process, or our own. */
export function isOfProgram(path: string): boolean {
  return THROUGH_A_ROOT.test(path) || !OF_THE_SYSTEM.test(path)
}

const THROUGH_A_ROOT = /^\/proc\/\d+\/(root|cwd)\//
const OF_THE_SYSTEM =
  /^\/(proc|sys|run\/netns|var\/run\/netns|run\/docker\/netns|var\/run\/docker\/netns)(\/|$)|^\/etc\/os-release$/
