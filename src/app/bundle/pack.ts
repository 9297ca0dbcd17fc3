import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import type { BundleFiles } from '../../host/bundle/look-files.ts'

/** Files that are worth something only together; all of them are in the bundle or none is. */
export interface FileGroup {
  /** For who misses it: "sockets of the second look". */
  what: string
  files: BundleFiles
}

export interface Packed {
  /** Of a .tar.gz: gzip members, one after another. */
  pieces: Uint8Array[]
  octets: number
  /** What did not fit. */
  dropped: FileGroup[]
  /** What is in it, in order. */
  files: { name: string; octets: number }[]
}

/** Sockets pack to an eighth at level 1 and to a tenth at 6, which takes three times as long (100,000 of them, Node 20). */
const LEVEL = 4
/** Two blocks of zeros say that an archive ends. */
const END = 1024
/** For the manifest, which is packed last and stands first. */
const ROOM_FOR_MANIFEST = 64 * 1024

const zip = promisify(gzip)

/**
 * A .tar.gz of the groups in order of importance, in which each group is a gzip member of its own: so it is known what
 * each one takes before it is decided whether there is room for it.
 * @param manifest  makes the first file when it is known what is in the bundle
 */
export async function packBundle(
  folder: string,
  groups: readonly FileGroup[],
  of: { maxOctets: number; mtime: Date; manifest: (packed: Omit<Packed, 'pieces'>) => BundleFiles },
): Promise<Packed> {
  const packed: Packed = { pieces: [], octets: 0, dropped: [], files: [] }
  for (const group of groups) {
    const piece = await pack(folder, group.files, of.mtime)
    if (packed.octets + piece.length > of.maxOctets - ROOM_FOR_MANIFEST) {
      packed.dropped.push(group)
      continue
    }
    add(packed, piece)
    for (const [name, { length }] of group.files) packed.files.push({ name, octets: length })
  }
  const first = await pack(folder, of.manifest(packed), of.mtime)
  packed.pieces.unshift(first)
  packed.octets += first.length
  add(packed, await compressed(new Uint8Array(END)))
  return packed
}

function add(packed: Packed, piece: Uint8Array): void {
  packed.pieces.push(piece)
  packed.octets += piece.length
}

async function pack(folder: string, files: BundleFiles, mtime: Date): Promise<Uint8Array> {
  const entries = [...files].map(([name, body]) => ({
    header: { name: `${folder}/${name}`, size: body.length, mode: 0o600, mtime },
    body,
  }))
  // Here and not above: the command is one script, and would load the package at every start.
  const { packTar } = await import('modern-tar')
  const archive = await packTar(entries)
  return compressed(archive.subarray(0, archive.length - END))
}

async function compressed(octets: Uint8Array): Promise<Uint8Array> {
  return zip(octets, { level: LEVEL, strategy: constants.Z_DEFAULT_STRATEGY })
}
