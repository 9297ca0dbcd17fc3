import type { HostFiles, HostRead, Unreadable } from '../host-files.ts'
import {
  type Call,
  callKey,
  familyOf,
  HOST,
  isOfNamespace,
  noReads,
  type Reads,
  type RecordedLook,
  textRead,
} from './reads.ts'

/** What a recording says of its machine apart from what was read. */
export interface ReplayedMachine {
  name: string
  release: string
  platform: string
  endianness: 'BE' | 'LE'
}

/** A host as it was when it was recorded. What nobody read then cannot be read now. */
export function replayLook(machine: ReplayedMachine, look: RecordedLook): HostFiles {
  return within(machine, look, look.own)
}

const EMPTY = noReads()

function within(machine: ReplayedMachine, look: RecordedLook, scope: string): HostFiles {
  const shared = look.scopes.get(HOST) ?? EMPTY
  const here = look.scopes.get(scope) ?? EMPTY
  const readsOf = (path: string) => (isOfNamespace(path) ? here : shared)
  const read = <T>(
    call: Call,
    path: string,
    get: (reads: Reads) => T | null | undefined,
  ): HostRead<T> => answer(readsOf(path), call, path, get)
  const bytes = (path: string) => read('file', path, (reads) => reads.files.get(path))
  return {
    release: () => machine.release,
    platform: () => machine.platform,
    endianness: () => machine.endianness,
    hostName: () => machine.name,
    nowMs: () => look.nowMs,
    epochMs: () => look.epochMs,
    bytes,
    text: (path) => textRead(bytes(path)),
    names: (path) => read('names', path, (reads) => reads.names.get(path)),
    link: (path) => read('link', path, (reads) => reads.links.get(path)),
    inode: (path) => read('inode', path, (reads) => reads.inodes.get(path)),
    size: (path) => read('size', path, (reads) => reads.sizes.get(path)),
    space: (path) => read('space', path, (reads) => reads.spaces.get(path)),
    sockDiag(request, take) {
      const family = familyOf(request)
      const parts = answer(here, 'sockDiag', family, (reads) => reads.sockDiag.get(family))
      if (parts.is !== 'read') return parts
      for (const octets of parts.value) if (take(octets)) break
      return { is: 'read', value: null }
    },
    ss: (_, path) =>
      path === undefined
        ? answer(here, 'ss', '', (reads) => reads.ss)
        : { is: 'unreadable', why: 'missing', path, detail: 'not in the bundle' },
    nft: () => answer(here, 'nft', '', (reads) => reads.nft),
    inNamespace(path, look_) {
      const there = answer(here, 'inNamespace', path, (reads) => reads.entered.get(path))
      if (there.is !== 'read') return there
      return { is: 'read', value: look_(within(machine, look, there.value)) }
    },
  }
}

function answer<T>(
  reads: Reads,
  call: Call,
  path: string,
  get: (reads: Reads) => T | null | undefined,
): HostRead<T> {
  const value = get(reads)
  if (value !== undefined && value !== null) return { is: 'read', value }
  return reads.unreadable.get(callKey(call, path)) ?? notRecorded(path)
}

function notRecorded(path: string): Unreadable {
  return { is: 'unreadable', why: 'missing', path, detail: 'not in the bundle' }
}
