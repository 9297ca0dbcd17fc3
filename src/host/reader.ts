import type { OwnerMemory } from './facts.ts'
import { type HostFiles, type HostRead, whyUnreadable } from './host-files.ts'
import type { TcpState } from './kernel/tcp-states.ts'

/** What to look at. Each reader takes from it what concerns it. */
export interface HostAsk {
  /** A process whose network namespace is meant; without it, that of whoever reads. */
  netOf?: number
  /** The file of that namespace, where a program can be started in it though the reader cannot enter it itself. */
  netPath?: string
  /** Processes to look at in detail. */
  pids?: readonly number[]
  /** Sockets whose owners are wanted. */
  inodes?: ReadonlySet<number>
  /** Owners found before: those that still hold their socket need no search. What is found is added to it. */
  remembered?: OwnerMemory
  /** Only sockets in these states; absent: all. */
  states?: readonly TcpState[]
  /** Only sockets that have one of these ports on either side; absent: all. */
  ports?: readonly number[]
  /** Sockets without tcp_info: a third of the memory, for a look that only says what was there before. */
  brief?: boolean
}

/** `why` is a sentence for people, and names the file or privilege that is missing. */
export type CanRun = { is: 'yes' } | { is: 'no'; why: string }

/** What was odd about a file, as data: readers never throw on what they read. */
export interface HostFault {
  path: string
  what: string
}

export interface HostReader<Facts> {
  id: string
  canRun(host: HostFiles, ask: HostAsk): CanRun
  /** Whether or not it can run: what cannot be read is a fault or an empty list. */
  read(host: HostFiles, ask: HostAsk): Facts
}

/** The folder of network files of the namespace that was asked for. */
export function netFolder(ask: HostAsk): string {
  return ask.netOf === undefined ? '/proc/net' : `/proc/${ask.netOf}/net`
}

/** Yes when one of the files can be read; else why the first one cannot. */
export function canRead(host: HostFiles, paths: readonly string[]): CanRun {
  let first: CanRun | null = null
  for (const path of paths) {
    const read = host.text(path)
    if (read.is === 'read') return { is: 'yes' }
    first ??= { is: 'no', why: whyUnreadable(read) }
  }
  return first ?? { is: 'no', why: 'nothing was asked for' }
}

/** As canRead, without reading: for files that are large, and that everybody may read when they are there. */
export function isThere(host: HostFiles, folder: string, names: readonly string[]): CanRun {
  const listed = host.names(folder)
  if (listed.is !== 'read') return { is: 'no', why: whyUnreadable(listed) }
  if (names.some((name) => listed.value.includes(name))) return { is: 'yes' }
  return { is: 'no', why: `${folder}/${names[0]}: no such file` }
}

/** The text, or '' and a fault that says why. */
export function textOr(read: HostRead<string>, faults: HostFault[]): string {
  if (read.is === 'read') return read.value
  faults.push({ path: read.path, what: whyUnreadable(read) })
  return ''
}
