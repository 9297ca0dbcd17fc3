import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { type HostFiles, type HostRead, readOrNull } from '../../src/host/host-files.ts'
import { root } from './built.ts'

/** What was running when a host was recorded: scene.json. */
export interface Scene {
  release: string
  server: number
  client: number
  port: number
}

export interface Changes {
  /** Files instead of the recorded ones; null: it is not there. */
  files?: Readonly<Record<string, string | null>>
  links?: Readonly<Record<string, string>>
  denied?: readonly string[]
  bigEndian?: boolean
}

/** A machine recorded by scripts/hosts/record.py: hostFrom('test/hosts/6.18'). */
export function hostFrom(folder: string, changes: Changes = {}): HostFiles {
  const top = join(root, folder)
  const links = { ...(JSON.parse(fileOf(folder, 'links.json')) as object), ...changes.links }
  return hostOf(
    {
      file: (path) => {
        const at = join(top, posix.normalize(path))
        return existsSync(at) && !isFolder(at) ? readFileSync(at) : null
      },
      names: (path) => {
        const at = join(top, posix.normalize(path))
        return existsSync(at) && isFolder(at) ? readdirSync(at) : []
      },
    },
    { ...changes, links: links as Record<string, string> },
    sceneOf(folder).release,
  )
}

/** A machine that has only these files. */
export function hostWith(changes: Changes): HostFiles {
  return hostOf({ file: () => null, names: () => [] }, changes, '6.18.0')
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
}

function hostOf(store: Store, changes: Changes, release: string): HostFiles {
  const { files = {}, links = {}, denied = [] } = changes
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
  return {
    platform: () => 'linux',
    release: () => release,
    endianness: () => (changes.bigEndian === true ? 'BE' : 'LE'),
    nowMs: () => 0,
    readText: async (path, maxOctets) => readOrNull(text(path))?.slice(0, maxOctets) ?? null,
    bytes,
    text,
    names: (path) =>
      read(path, () => {
        const given = Object.keys(files).filter((name) => files[name] !== null)
        const below = [...given, ...Object.keys(links)]
          .filter((name) => name.startsWith(`${path}/`))
          .map((name) => name.slice(path.length + 1).split('/')[0]!)
        const names = [...new Set([...store.names(path), ...below])]
        return names.length === 0 ? null : names
      }),
    link: (path) => read(path, () => links[path] ?? null),
  }
}

function isFolder(path: string): boolean {
  try {
    readdirSync(path)
    return true
  } catch {
    return false
  }
}
