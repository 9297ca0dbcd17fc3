import type { Space } from '../facts.ts'
import type { Unreadable } from '../host-files.ts'
import { entriesOf, listOr, numberOr, objectOr, parseObject, stringOr } from './json.ts'
import { isPlainName } from './names.ts'
import {
  type Call,
  callKey,
  HOST,
  noReads,
  type Reads,
  type RecordedLook,
  textOf,
} from './reads.ts'

/** Files of a bundle by their name in it. */
export type BundleFiles = Map<string, Uint8Array>

/** Where a look is, and what its files do not say. */
export interface LookEntry {
  folder: string
  nowMs: number
  epochMs: number
  own: string
}

const READS = 'reads.json'
const SS = 'ss.txt'
const NFT = 'nft.json'

/** A look as files: what was a file is one again, at its path; the rest is in reads.json. */
export function filesOfLook(look: RecordedLook, folder: string): BundleFiles {
  const files: BundleFiles = new Map()
  for (const [scope, reads] of look.scopes) {
    const at = `${folder}/${folderOf(scope)}`
    files.set(`${at}/${READS}`, encoded(readsJson(reads)))
    for (const [path, octets] of reads.files) {
      // A configuration may be called anything; our own archive must be one that we read.
      if (isPlainName(at + path)) files.set(at + path, octets)
    }
    for (const [family, parts] of reads.sockDiag) files.set(sockDiagName(at, family), joined(parts))
    if (reads.nft !== null) files.set(`${at}/${NFT}`, encoded(reads.nft))
    if (reads.ss !== null) files.set(`${at}/${SS}`, encoded(reads.ss))
  }
  return files
}

/** The look that filesOfLook() was given, without what has been left out of the bundle since. */
export function lookOfFiles(files: BundleFiles, entry: LookEntry): RecordedLook {
  const scopes = new Map<string, Reads>()
  const prefix = `${entry.folder}/`
  for (const [name, octets] of files) {
    if (!name.startsWith(prefix)) continue
    const slash = name.indexOf('/', prefix.length)
    const scope = scopeOfFolder(name.slice(prefix.length, slash))
    if (slash < 0 || scope === null) continue
    const reads = scopes.get(scope) ?? noReads()
    scopes.set(scope, reads)
    addFile(reads, name.slice(slash + 1), octets)
  }
  const { nowMs, epochMs, own } = entry
  return { nowMs, epochMs, own, scopes }
}

export function sockDiagName(folder: string, family: 'inet' | 'inet6'): string {
  return `${folder}/sock_diag-${family}.bin`
}

export function folderOf(scope: string): string {
  return scope === HOST ? HOST : `netns-${scope}`
}

function scopeOfFolder(folder: string): string | null {
  if (folder === HOST) return HOST
  return /^netns-([\w-]{1,30})$/.exec(folder)?.[1] ?? null
}

function addFile(reads: Reads, name: string, octets: Uint8Array): void {
  const family = /^sock_diag-(inet6?)\.bin$/.exec(name)?.[1] as 'inet' | 'inet6' | undefined
  if (name === READS) addReads(reads, textOf(octets))
  else if (name === SS) reads.ss = textOf(octets)
  else if (name === NFT) reads.nft = textOf(octets)
  else if (family !== undefined) reads.sockDiag.set(family, [octets])
  else reads.files.set(`/${name}`, octets)
}

function readsJson(reads: Reads): string {
  const { names, links, inodes, sizes, spaces, entered, unreadable } = reads
  const missing = [...unreadable].map(([key, { why, path, detail }]) => {
    const call = key.slice(0, key.indexOf(' '))
    return {
      call,
      of: key.slice(call.length + 1),
      path,
      why,
      ...(detail === undefined ? {} : { detail }),
    }
  })
  const members = {
    names: Object.fromEntries([...names].map(([folder, all]) => [folder, wordsOfNames(all)])),
    links: Object.fromEntries(links),
    inodes: Object.fromEntries(inodes),
    sizes: Object.fromEntries(sizes),
    spaces: Object.fromEntries(spaces),
    entered: Object.fromEntries(entered),
    unreadable: missing,
  }
  // A member a line: for grep, and for diff between the looks.
  return `${JSON.stringify(members, null, 1)}\n`
}

/** Names of /proc and /run/netns: "1 2 self". One with a blank in it is nobody's that is looked for. */
function wordsOfNames(names: readonly string[]): string {
  return names.filter((name) => name !== '' && !name.includes(' ')).join(' ')
}

function addReads(reads: Reads, text: string): void {
  const json = parseObject(text)
  if (json === null) return
  reads.names = entriesOf(json['names'], wordsOrNull)
  reads.links = entriesOf(json['links'], (value) => stringOr(value, null))
  reads.inodes = entriesOf(json['inodes'], (value) => numberOr(value, null))
  reads.sizes = entriesOf(json['sizes'], (value) => numberOr(value, null))
  reads.spaces = entriesOf(json['spaces'], spaceOrNull)
  reads.entered = entriesOf(json['entered'], (value) => stringOr(value, null))
  for (const one of listOr(json['unreadable'])) {
    const { call, of, path, why, detail } = objectOr(one) ?? {}
    if (!isCall(call) || !isWhy(why) || typeof of !== 'string' || typeof path !== 'string') continue
    const told: Unreadable = { is: 'unreadable', why, path }
    if (typeof detail === 'string') told.detail = detail
    reads.unreadable.set(callKey(call, of), told)
  }
}

function spaceOrNull(value: unknown): Space | null {
  const json = objectOr(value) ?? {}
  const number = (name: string) => {
    const found = numberOr(json[name], null)
    return found === null || found < 0 ? null : found
  }
  const [size, available] = [number('size'), number('available')]
  const [inodes, inodesFree] = [number('inodes'), number('inodesFree')]
  if (size === null || available === null || inodes === null || inodesFree === null) return null
  return { size, available, inodes, inodesFree }
}

function wordsOrNull(value: unknown): readonly string[] | null {
  if (typeof value !== 'string') return null
  return value === '' ? [] : value.split(' ')
}

const CALLS: ReadonlySet<unknown> = new Set<Call>([
  'file',
  'names',
  'link',
  'inode',
  'size',
  'space',
  'sockDiag',
  'ss',
  'nft',
  'inNamespace',
])
const WHYS: ReadonlySet<unknown> = new Set<Unreadable['why']>([
  'missing',
  'denied',
  'too-big',
  'failed',
])

function isCall(value: unknown): value is Call {
  return CALLS.has(value)
}

function isWhy(value: unknown): value is Unreadable['why'] {
  return WHYS.has(value)
}

export function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
