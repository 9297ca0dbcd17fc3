import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import type { Space } from '../../src/host/facts.ts'
import { type HostFiles, type HostRead, readOrNull } from '../../src/host/host-files.ts'
import { root } from './built.ts'

/** What was running when a host was recorded: scene.json. */
export interface Scene {
  release: string
  server: number
  client: number
  port: number
  /** The recorded host that this one is a reduced older shape of: what it has not itself comes from there. */
  base?: string
}

export interface Changes {
  /** Files instead of the recorded ones; null: it is not there. */
  files?: Readonly<Record<string, string | null>>
  links?: Readonly<Record<string, string>>
  denied?: readonly string[]
  bigEndian?: boolean
  release?: string
  platform?: string
  /** Ways to the sockets that this machine has not. */
  without?: readonly ('netlink' | 'ss')[]
  /** Inodes of paths that are no links: { '/run/netns/blue': 4026532000 }. */
  inodes?: Readonly<Record<string, number>>
  /** Of /proc/PID/fd: descriptors, as since Linux 6.2. */
  sizes?: Readonly<Record<string, number>>
  /** What nft prints. */
  nft?: string
  /** Of file systems, by where they are mounted. */
  spaces?: Readonly<Record<string, Space>>
  /** Other network namespaces by inode: what is different within. null: may not be entered. */
  namespaces?: Readonly<Record<number, Changes | null>>
}

/** A machine recorded by scripts/hosts/record.py: hostFrom('test/hosts/6.18'). */
export function hostFrom(folder: string, changes: Changes = {}): HostFiles {
  const { release, base } = sceneOf(folder)
  const links = {
    ...(JSON.parse(fileOf(base ?? folder, 'links.json')) as object),
    ...changes.links,
  }
  return hostOf(base === undefined ? storeOf(folder) : reduced(folder, base), {
    release,
    ...changes,
    links: links as Record<string, string>,
  })
}

/** Only what differs lies in the folder, and what is not there is named in absent.json. */
function reduced(folder: string, base: string): Store {
  const [own, rest] = [storeOf(folder), storeOf(base)]
  const absent = new Set(JSON.parse(fileOf(folder, 'absent.json')) as string[])
  return {
    file: (path) => (absent.has(path) ? null : (own.file(path) ?? rest.file(path))),
    names: (path) => rest.names(path).filter((name) => !absent.has(`${path}/${name}`)),
    sockDiag: (family) => own.sockDiag(family) ?? rest.sockDiag(family),
    ss: rest.ss,
  }
}

function storeOf(folder: string): Store {
  const top = join(root, folder)
  const file = (path: string) => {
    const at = join(top, posix.normalize(path))
    return existsSync(at) && !isFolder(at) ? readFileSync(at) : null
  }
  return {
    file,
    names: (path) => {
      const at = join(top, posix.normalize(path))
      return existsSync(at) && isFolder(at) ? readdirSync(at) : []
    },
    sockDiag: (family) => file(`sock-diag-${family === 4 ? 'inet' : 'inet6'}.bin`),
    ss: () => file('ss-tanoiem.txt'),
  }
}

/** A machine that has only these files. */
export function hostWith(changes: Changes): HostFiles {
  return hostOf(EMPTY, changes)
}

export function sceneOf(folder: string): Scene {
  return JSON.parse(fileOf(folder, 'scene.json')) as Scene
}

export function fileOf(folder: string, name: string): string {
  return readFileSync(join(root, folder, name), 'utf8')
}

interface Store {
  file(path: string): Uint8Array | null
  names(path: string): string[]
  sockDiag(family: 4 | 6): Uint8Array | null
  ss(): Uint8Array | null
}

const EMPTY: Store = { file: () => null, names: () => [], sockDiag: () => null, ss: () => null }

const AF_INET = 2
const NLMSG_HDR = 16

/** Where a namespace has files of its own; the others are the host's. */
const OF_NAMESPACE = /^\/proc\/(net|sys\/net)\//

function hostOf(store: Store, changes: Changes): HostFiles {
  const { files = {}, links = {}, denied = [], without = [], inodes = {} } = changes
  const read = <T>(path: string, get: () => T | null): HostRead<T> => {
    if (denied.includes(path)) return { is: 'unreadable', why: 'denied', path }
    const value = get()
    return value === null ? { is: 'unreadable', why: 'missing', path } : { is: 'read', value }
  }
  const octets = (path: string): Uint8Array | null => {
    const changed = files[path]
    if (changed !== undefined) return changed === null ? null : new TextEncoder().encode(changed)
    return store.file(path)
  }
  const bytes = (path: string) => read(path, () => octets(path))
  const text = (path: string) =>
    read(path, () => {
      const value = readOrNull(bytes(path))
      return value === null ? null : new TextDecoder().decode(value)
    })
  const inode = (path: string) =>
    read(path, () => inodes[path] ?? inodeOf(links[path] ?? '') ?? null)
  const host: HostFiles = {
    platform: () => changes.platform ?? 'linux',
    release: () => changes.release ?? '6.18.0',
    endianness: () => (changes.bigEndian === true ? 'BE' : 'LE'),
    hostName: () => 'recorded',
    nowMs: () => 0,
    epochMs: () => 0,
    bytes,
    text,
    names: (path) =>
      read(path, () => {
        const given = Object.keys(files).filter((name) => files[name] !== null)
        const below = [...given, ...Object.keys(links), ...Object.keys(inodes)]
          .filter((name) => name.startsWith(`${path}/`))
          .map((name) => name.slice(path.length + 1).split('/')[0]!)
        const names = [...new Set([...store.names(path), ...below])]
        return names.length === 0 ? null : names
      }),
    link: (path) => read(path, () => links[path] ?? null),
    inode,
    size: (path) => read(path, () => changes.sizes?.[path] ?? octets(path)?.length ?? 0),
    space: (path) => read(path, () => changes.spaces?.[path] ?? null),
    sockDiag(request, take) {
      const family = request[NLMSG_HDR] === AF_INET ? 4 : 6
      const answer = without.includes('netlink') ? null : store.sockDiag(family)
      if (answer !== null) take(answer)
      return read('sock_diag', () => (answer === null ? null : 'asked')) as HostRead<null>
    },
    ss: (_, path) =>
      read('ss', () => {
        const printed = without.includes('ss') || path !== undefined ? null : store.ss()
        return printed === null ? null : new TextDecoder().decode(printed)
      }),
    nft: () => read('nft', () => changes.nft ?? null),
    inNamespace<T>(path: string, look: (host: HostFiles) => T): HostRead<T> {
      const id = inode(path)
      if (id.is !== 'read') return id
      if (id.value === inodeOf(links['/proc/self/ns/net'] ?? ''))
        return { is: 'read', value: look(host) }
      const within = changes.namespaces?.[id.value]
      if (within === undefined) return { is: 'unreadable', why: 'missing', path }
      if (within === null) return { is: 'unreadable', why: 'denied', path }
      return { is: 'read', value: look(hostOf(onlyOfHost(store), merged(changes, within))) }
    },
  }
  return host
}

/** "net:[4026531840]" */
function inodeOf(link: string): number | null {
  const digits = /\[(\d+)\]$/.exec(link)?.[1]
  return digits === undefined ? null : Number(digits)
}

function onlyOfHost(store: Store): Store {
  return {
    ...EMPTY,
    file: (path) => (OF_NAMESPACE.test(path) ? null : store.file(path)),
    names: store.names,
  }
}

function merged(outside: Changes, within: Changes): Changes {
  const ofHost = Object.entries(outside.files ?? {}).filter(([path]) => !OF_NAMESPACE.test(path))
  return { ...outside, ...within, files: { ...Object.fromEntries(ofHost), ...within.files } }
}

function isFolder(path: string): boolean {
  try {
    readdirSync(path)
    return true
  } catch {
    return false
  }
}
