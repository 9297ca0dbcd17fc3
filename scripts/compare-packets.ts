// Holds our decoder against tshark, frame by frame: npx tsx scripts/compare-packets.ts [--all] [FILE or FOLDER...]
// Default: ../shared/captures/files. Needs tshark (apt-get install tshark). Exit 1 when a frame differs.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { AddressBook } from '../src/base/addresses.ts'
import { TcpwhyError } from '../src/base/errors.ts'
import { memorySource } from '../src/capture/byte-source.ts'
import { openCaptures } from '../src/capture/open.ts'
import { Decoder } from '../src/packet/decode.ts'
import {
  faultNames,
  KIND_ICMP_ERROR,
  KIND_TCP,
  KIND_UNREADABLE,
  Packet,
} from '../src/packet/packet.ts'

const DEFAULT_FOLDER = join(import.meta.dirname, '../../shared/captures/files')
const SHOWN_PER_FILE = 5

/** tshark's name of each field compared, and ours from the packet. */
const COLUMNS = [
  ['tcp.srcport', (p) => p.srcPort],
  ['tcp.dstport', (p) => p.dstPort],
  ['tcp.seq_raw', (p) => p.seq >>> 0],
  ['tcp.ack_raw', (p) => p.ack >>> 0],
  ['tcp.flags', (p) => p.flags],
  ['tcp.window_size_value', (p) => p.wnd],
  ['tcp.len', (p) => p.dataLen],
  ['tcp.options.timestamp.tsval', (p) => (p.hasTimestamps ? p.tsVal >>> 0 : null)],
  ['tcp.options.timestamp.tsecr', (p) => (p.hasTimestamps ? p.tsEcr >>> 0 : null)],
  ['tcp.options.mss_val', (p) => (p.mss < 0 ? null : p.mss)],
  ['tcp.options.wscale.shift', (p) => (p.windowScale < 0 ? null : p.windowScale)],
  ['tcp.options.sack.count', (p) => p.sackBlocks || null],
] as const satisfies readonly (readonly [string, (packet: Packet) => number | null])[]

const ADDRESS_FIELDS = ['ip.src', 'ip.dst', 'ip.ttl', 'ip.id', 'ipv6.src', 'ipv6.dst', 'ipv6.hlim']
const FIELDS = ['frame.number', 'frame.protocols', ...ADDRESS_FIELDS, ...COLUMNS.map(([f]) => f)]

type Segment = Record<string, string | number | null>

interface Tally {
  frames: number
  agree: number
  differ: number
  onlyTshark: number
  onlyOurs: number
  /** Frames that differ for a reason that is known, by reason. */
  explained: Map<string, number>
  unread: string[]
}

/** Differences that are meant. Each says who is right and why. `wrong`: the fields that differ. */
const EXPLANATIONS: readonly {
  because: string
  is: (ours: Segment | undefined, theirs: Segment, wrong: string) => boolean
}[] = [
  {
    because:
      'IP length beyond the frame: we believe it when its checksum is right, tshark the frame',
    is: (ours, _, wrong) =>
      wrong === 'tcp.len' && String(ours?.['faults']).includes('bad-ip-length'),
  },
  {
    because: 'window scale above 14 is used as 14 (RFC 7323 §2.3); tshark prints the field',
    is: (_, theirs, wrong) =>
      wrong === 'tcp.options.wscale.shift' && Number(theirs['tcp.options.wscale.shift']) > 14,
  },
  {
    because: 'TCP in 802.11 frames in GRE (Aruba): 802.11 is not read',
    is: (ours, theirs) => ours === undefined && String(theirs['protocols']).includes('wlan'),
  },
]

async function main(args: readonly string[]): Promise<void> {
  const showAll = args.includes('--all')
  const paths = args.filter((arg) => !arg.startsWith('--'))
  if (paths.length === 0) paths.push(DEFAULT_FOLDER)
  const none = { frames: 0, agree: 0, differ: 0, onlyTshark: 0, onlyOurs: 0 }
  const tally: Tally = { ...none, explained: new Map(), unread: [] }
  const files = paths.flatMap(filesUnder)
  for (const file of files) await compareFile(file, tally, showAll)
  console.log(
    `${files.length} files, ${tally.frames} TCP frames: ${tally.agree} agree, ${tally.differ} differ, ` +
      `${tally.onlyTshark} only tshark, ${tally.onlyOurs} only ours; ${tally.unread.length} files not read`,
  )
  for (const [because, frames] of tally.explained) console.log(`  ${frames} explained: ${because}`)
  for (const line of tally.unread) console.log(`  ${line}`)
  if (tally.differ + tally.onlyTshark + tally.onlyOurs > 0) process.exitCode = 1
}

function filesUnder(path: string): string[] {
  if (!existsSync(path)) throw new Error(`${path} is missing: name captures to compare`)
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesUnder(join(path, name)))
}

async function compareFile(file: string, tally: Tally, showAll: boolean): Promise<void> {
  let ours: Map<number, Segment>
  try {
    ours = await decodeFile(file)
  } catch (error) {
    if (!(error instanceof TcpwhyError)) throw error
    tally.unread.push(`${file}: ${error.code}`)
    return
  }
  const theirs = tsharkSegments(file)
  const lines: string[] = []
  for (const frame of new Set([...theirs.keys(), ...ours.keys()])) {
    const line = compareFrame(ours.get(frame), theirs.get(frame), tally)
    if (line !== null) lines.push(`  frame ${frame}: ${line}`)
  }
  if (lines.length === 0) return
  console.log(`${file}: ${lines.length}`)
  for (const line of lines.slice(0, showAll ? lines.length : SHOWN_PER_FILE)) console.log(line)
}

/** @returns null when they agree, or when it is known why they do not */
function compareFrame(
  ours: Segment | undefined,
  theirs: Segment | undefined,
  tally: Tally,
): string | null {
  tally.frames++
  const names = Object.keys(theirs ?? {}).filter((name) => name !== 'protocols')
  const wrong = names.filter((name) => theirs?.[name] !== ours?.[name])
  if (ours !== undefined && theirs !== undefined && wrong.length === 0) {
    tally.agree++
    return null
  }
  const explanation = theirs && EXPLANATIONS.find((e) => e.is(ours, theirs, wrong.join(' ')))
  if (explanation !== undefined) {
    tally.explained.set(explanation.because, (tally.explained.get(explanation.because) ?? 0) + 1)
    return null
  }
  if (ours === undefined) {
    tally.onlyTshark++
    return `only tshark ${theirs?.['protocols']}`
  }
  if (theirs === undefined) {
    tally.onlyOurs++
    return `only ours ${JSON.stringify(ours)}`
  }
  tally.differ++
  const parts = wrong.map((name) => `${name} ours ${ours[name]} tshark ${theirs[name]}`)
  return `${parts.join(', ')} (${theirs['protocols']}; faults: ${ours['faults'] || 'none'})`
}

async function decodeFile(file: string): Promise<Map<number, Segment>> {
  const bytes = readFileSync(file)
  const reader = await openCaptures([{ name: file, bytes: memorySource(bytes) }])
  const addresses = new AddressBook()
  const decoder = new Decoder(addresses)
  const packet = new Packet()
  const segments = new Map<number, Segment>()
  for (let batch = await reader.next(); batch !== null; batch = await reader.next()) {
    const { view, bytes, starts, capLens, wireLens, links } = batch
    for (let i = 0; i < batch.count; i++) {
      const [start, capLen, wireLen] = [starts[i]!, capLens[i]!, wireLens[i]!]
      const kind = decoder.decode(view, bytes, start, capLen, wireLen, links[i]!, packet)
      if (kind !== KIND_TCP && kind !== KIND_ICMP_ERROR && kind !== KIND_UNREADABLE) continue
      segments.set(batch.firstFrame + i, ourSegment(packet, addresses))
    }
  }
  await reader.close()
  return segments
}

function ourSegment(packet: Packet, addresses: AddressBook): Segment {
  const segment: Segment = {
    src: addresses.format(packet.src, packet.family),
    dst: addresses.format(packet.dst, packet.family),
    ttl: packet.ttl,
    ipId: packet.ipId < 0 ? null : packet.ipId,
    faults: faultNames.filter((_, bit) => packet.fault & (1 << bit)).join(' '),
  }
  for (const [name, read] of COLUMNS) segment[name] = read(packet)
  return segment
}

function tsharkSegments(file: string): Map<number, Segment> {
  const fields = FIELDS.flatMap((field) => ['-e', field])
  const preferences = [
    'tcp.relative_sequence_numbers:FALSE',
    'tcp.desegment_tcp_streams:FALSE',
    'ip.defragment:FALSE',
    'ipv6.defragment:FALSE',
  ].flatMap((preference) => ['-o', preference])
  const shape = ['-T', 'fields', '-E', 'occurrence=a', '-E', 'aggregator=,']
  const args = ['-n', '-r', file, '-Y', 'tcp', ...preferences, ...shape, ...fields]
  const text = runTshark(args)
  const segments = new Map<number, Segment>()
  for (const line of text.split('\n').filter((line) => line !== '')) {
    const values = line.split('\t')
    const row = new Map(FIELDS.map((field, i) => [field, (values[i] ?? '').split(',')]))
    segments.set(Number(values[0]), theirSegment(row, values[1]!))
  }
  return segments
}

/** tshark ends with 2 on a cut file, having printed what stands before the cut. */
function runTshark(args: string[]): string {
  try {
    const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore']
    return execFileSync('tshark', args, { encoding: 'utf8', maxBuffer: 1 << 29, stdio })
  } catch (error) {
    const { stdout, code } = error as { stdout?: string; code?: string }
    if (code === 'ENOENT') throw new Error('tshark is missing: apt-get install tshark')
    return stdout ?? ''
  }
}

/** The innermost TCP: the last of every field, the addresses of the IP version named last before it. */
function theirSegment(row: Map<string, string[]>, protocols: string): Segment {
  const last = (field: string): string => row.get(field)?.at(-1) ?? ''
  const number = (field: string): number | null => (last(field) === '' ? null : Number(last(field)))
  const layers = protocols.split(':')
  const isV6 = layers.lastIndexOf('ipv6') > layers.lastIndexOf('ip')
  const isQuote = layers.includes('icmp') || layers.includes('icmpv6')
  const segment: Segment = {
    protocols,
    src: last(isV6 ? 'ipv6.src' : 'ip.src'),
    dst: last(isV6 ? 'ipv6.dst' : 'ip.dst'),
    ttl: number(isV6 ? 'ipv6.hlim' : 'ip.ttl'),
    ipId: isV6 ? null : number('ip.id'),
  }
  for (const [name] of COLUMNS) {
    const value = number(name)
    // Of a quoted segment tshark shows what is there, and not its length; nor that of a first fragment.
    if (isQuote && (value === null || name === 'tcp.len')) continue
    if (name === 'tcp.len' && value === null) continue
    segment[name] = name === 'tcp.flags' && value !== null ? value & 0xff : value
  }
  return segment
}

await main(process.argv.slice(2))
