import { assert } from '../../base/assert.ts'
import type { HostFiles, HostRead } from '../host-files.ts'
import { readOrNull } from '../host-files.ts'
import { commandOf } from '../process.ts'
import {
  type Call,
  callKey,
  familyOf,
  HOST,
  isOfNamespace,
  noReads,
  type Reads,
  type RecordedLook,
  scopeOf,
  textRead,
} from './reads.ts'
import { sieve } from './sieve.ts'

export interface LookRecorder {
  /** Reads as the recorded host does, and keeps what it gave. What is read twice is read once. */
  host: HostFiles
  look(): RecordedLook
}

/**
 * Records one look at a host, to be read again by replay.ts.
 * Octets of sock_diag are kept, not copied: whoever decodes them refers to the same ones.
 */
export function recordLook(of: HostFiles): LookRecorder {
  const own = scopeOf(readOrNull(of.inode('/proc/self/ns/net')))
  const scopes = new Map<string, Reads>([
    [HOST, noReads()],
    [own, noReads()],
  ])
  const clocks = { nowMs: of.nowMs(), epochMs: of.epochMs() }
  const recording = new Recording(scopes)
  return {
    host: recording.within(of, own, clocks),
    look: () => ({ ...clocks, own, scopes }),
  }
}

type Kept = 'names' | 'links' | 'inodes' | 'sizes' | 'spaces'

class Recording {
  private readonly scopes: Map<string, Reads>
  /** Files as they were read. */
  private readonly wholes = new Map<Reads, Map<string, Uint8Array>>()

  constructor(scopes: Map<string, Reads>) {
    this.scopes = scopes
  }

  /** @param clocks  the moment of the look, which is one: what it is asked for later is the same */
  within(inner: HostFiles, scope: string, clocks: { nowMs: number; epochMs: number }): HostFiles {
    const bytes = (path: string) => this.file(inner, path, scope)
    return {
      release: () => inner.release(),
      platform: () => inner.platform(),
      endianness: () => inner.endianness(),
      hostName: () => inner.hostName(),
      nowMs: () => clocks.nowMs,
      epochMs: () => clocks.epochMs,
      bytes,
      text: (path) => textRead(bytes(path)),
      names: (path) => this.kept('names', 'names', { path, scope }, () => inner.names(path)),
      link: (path) => this.kept('links', 'link', { path, scope }, () => inner.link(path)),
      inode: (path) => this.kept('inodes', 'inode', { path, scope }, () => inner.inode(path)),
      size: (path) => this.kept('sizes', 'size', { path, scope }, () => inner.size(path)),
      space: (path) => this.kept('spaces', 'space', { path, scope }, () => inner.space(path)),
      sockDiag: (request, take) => this.sockDiag(inner, scope, request, take),
      // Of a namespace that is not entered /proc/PID/net is kept instead, see the sockets reader.
      ss: (args, path) => (path === undefined ? this.ss(inner, scope, args) : notKept(path)),
      nft: () => this.nft(inner, scope),
      inNamespace: (path, look) => {
        const there = scopeOf(readOrNull(inner.inode(path)))
        const read = inner.inNamespace(path, (inside) => {
          this.reads(scope).entered.set(path, there)
          if (!this.scopes.has(there)) this.scopes.set(there, noReads())
          return look(this.within(inside, there, clocks))
        })
        return this.noted('inNamespace', path, scope, read)
      },
    }
  }

  /** Whoever reads gets all of it, however often; kept is what may be. */
  private file(inner: HostFiles, path: string, scope: string): HostRead<Uint8Array> {
    const reads = this.reads(isOfNamespace(path) ? scope : HOST)
    const whole = this.wholes.get(reads) ?? new Map<string, Uint8Array>()
    this.wholes.set(reads, whole)
    const read = this.once(whole, reads, { call: 'file', path }, () => inner.bytes(path))
    if (read.is === 'read' && !reads.files.has(path)) {
      const kept = sieve(path, read.value, (pid) => commandOf(inner, pid))
      if (kept !== null) reads.files.set(path, kept)
    }
    return read
  }

  private kept<T>(
    kind: Kept,
    call: Call,
    { path, scope }: { path: string; scope: string },
    read: () => HostRead<T>,
  ): HostRead<T> {
    const reads = this.reads(isOfNamespace(path) ? scope : HOST)
    return this.once(reads[kind] as unknown as Map<string, T>, reads, { call, path }, read)
  }

  private once<T>(
    known: Map<string, T>,
    { unreadable }: Reads,
    { call, path }: { call: Call; path: string },
    read: () => HostRead<T>,
  ): HostRead<T> {
    const before = known.get(path)
    if (before !== undefined) return { is: 'read', value: before }
    const key = callKey(call, path)
    const failed = unreadable.get(key)
    if (failed !== undefined) return failed
    const value = read()
    if (value.is === 'read') known.set(path, value.value)
    else unreadable.set(key, value)
    return value
  }

  private sockDiag(
    inner: HostFiles,
    scope: string,
    request: Uint8Array,
    take: (octets: Uint8Array) => boolean,
  ): HostRead<null> {
    const family = familyOf(request)
    const parts: Uint8Array[] = []
    const read = inner.sockDiag(request, (octets) => {
      parts.push(octets)
      return take(octets)
    })
    // Asked again because the table changed meanwhile: the last answer is the one that counts.
    if (read.is === 'read') this.reads(scope).sockDiag.set(family, parts)
    return this.noted('sockDiag', family, scope, read)
  }

  private ss(inner: HostFiles, scope: string, args: readonly string[]): HostRead<string> {
    const read = inner.ss(args)
    if (read.is === 'read') this.reads(scope).ss = read.value
    return this.noted('ss', '', scope, read)
  }

  private nft(inner: HostFiles, scope: string): HostRead<string> {
    const read = inner.nft()
    if (read.is === 'read') this.reads(scope).nft = withoutWords(read.value)
    return this.noted('nft', '', scope, read)
  }

  private noted<T>(call: Call, path: string, scope: string, read: HostRead<T>): HostRead<T> {
    const { unreadable } = this.reads(scope)
    if (read.is === 'read') unreadable.delete(callKey(call, path))
    else unreadable.set(callKey(call, path), read)
    return read
  }

  private reads(scope: string): Reads {
    const reads = this.scopes.get(scope)
    assert(reads !== undefined, `nothing is recorded of ${scope}`)
    return reads
  }
}

/** What people write into rules may be anything; of rules only what they do is looked at. */
function withoutWords(rules: string): string {
  return rules.replace(/"(comment|prefix)": "(?:[^"\\]|\\.)*"/g, '"$1": ""')
}

function notKept(path: string): HostRead<string> {
  return { is: 'unreadable', why: 'missing', path, detail: 'ss is kept of entered namespaces only' }
}
