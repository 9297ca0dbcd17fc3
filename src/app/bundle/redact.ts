import { createHash, createHmac, randomBytes } from 'node:crypto'
import { memorySource } from '../../capture/byte-source.ts'
import type { BundleFiles } from '../../host/bundle/look-files.ts'
import type { BundleLeftOut } from '../../host/bundle/manifest.ts'
import { isOfProgram, type RecordedLook, textOf } from '../../host/bundle/reads.ts'
import { AddressMap } from '../../host/bundle/scrub/addresses.ts'
import { limitsOnly } from '../../host/bundle/scrub/configuration.ts'
import { scrubSockDiag } from '../../host/bundle/scrub/sock-diag.ts'
import {
  mapInterfaceTable,
  mapMacs,
  mapProcTable,
  mapText,
  mapWord,
} from '../../host/bundle/scrub/text.ts'
import { scrubTrace } from '../../host/bundle/scrub/trace.ts'
import type { MapAddress } from '../../host/bundle/scrub/types.ts'
import type { EventsRecording } from '../../host/events.ts'
import type { HostFiles } from '../../host/host-files.ts'
import { type Scene, withheldPackets } from './collect.ts'
import { groupsOf } from './groups.ts'
import { type HeadersOnly, headersOnly } from './headers-only.ts'
import { mapPacket } from './redact-packets.ts'
import type { PackedScene } from './snapshot.ts'

/** The same stand-ins throughout one bundle. The key is nowhere kept: nobody can undo it, or compare two bundles of different ones. */
export class Redaction {
  readonly hostName: string
  private readonly names: readonly string[]
  private readonly littleEndian: boolean
  private readonly addresses: AddressMap
  private readonly macs = new Map<string, string>()
  private readonly shared: boolean
  private readonly hash: (octets: Uint8Array) => Buffer

  /** @param names  of the host, as they may be in its texts */
  constructor(of: { names: readonly string[]; littleEndian: boolean; key?: Uint8Array }) {
    const key = of.key ?? randomBytes(32)
    const hash = (octets: Uint8Array) => createHmac('sha256', key).update(octets).digest()
    this.shared = of.key !== undefined
    this.hash = hash
    this.addresses = new AddressMap(hash)
    this.names = of.names
    this.littleEndian = of.littleEndian
    const name = new TextEncoder().encode(of.names[0] ?? '')
    this.hostName = `host-${hash(name).subarray(0, 3).toString('hex')}`
  }

  readonly address: MapAddress = (octets, at, size) => this.addresses.map(octets, at, size)

  /** Whether a stand-in is an address that was there too, which would say something wrong. */
  collides(): boolean {
    const { originals, standIns } = this.addresses.changed()
    return [...standIns].some((standIn) => originals.has(standIn))
  }

  text(text: string): string {
    const named = this.names.reduce((all, name) => mapWord(all, name, this.hostName), text)
    return mapMacs(mapText(named, this.address), (mac) => this.mac(mac))
  }

  events(recording: EventsRecording): EventsRecording {
    return scrubTrace(recording, this.address)
  }

  /** @returns false when there is something in the record that is not understood */
  readonly packet = (record: Uint8Array, link: number): boolean =>
    mapPacket(record, link, { address: this.address, mac: (all, at) => this.macAt(all, at) })

  files(files: BundleFiles): BundleFiles {
    return new Map([...files].map(([name, octets]) => [name, this.file(name, octets)]))
  }

  private file(name: string, octets: Uint8Array): Uint8Array {
    if (/\/sock_diag-inet6?\.bin$/.test(name)) {
      const copy = octets.slice()
      scrubSockDiag(copy, this.littleEndian, this.address)
      return copy
    }
    // Those were mapped before they became files.
    if (/^events\/pages\.bin$|\.pcapng$/.test(name)) return octets
    const text = textOf(octets)
    if (name.endsWith('/net/if_inet6')) {
      return new TextEncoder().encode(mapInterfaceTable(text, this.address))
    }
    const table = /\/net\/tcp6?$/.test(name)
    const mapped = table ? mapProcTable(text, this.littleEndian, this.address) : this.text(text)
    return mapped === text ? octets : new TextEncoder().encode(mapped)
  }

  private mac(plain: string): string {
    const known = this.macs.get(plain)
    if (known !== undefined) return known
    const digits = this.macDigits(plain)
    // 02: administered locally, so nobody's.
    const standIn = `02:00:00:${digits.slice(0, 2)}:${digits.slice(2, 4)}:${digits.slice(4, 6)}`
    this.macs.set(plain, standIn)
    return standIn
  }

  /** Numbers; with a key that other bundles have, what is the same in them. */
  private macDigits(plain: string): string {
    if (this.shared)
      return this.hash(new TextEncoder().encode(plain)).subarray(0, 3).toString('hex')
    return (this.macs.size + 1).toString(16).padStart(6, '0')
  }

  private macAt(octets: Uint8Array, at: number): void {
    const own = octets.subarray(at, at + 6)
    if (own.every((octet) => octet === 0) || own.every((octet) => octet === 0xff)) return
    const plain = [...own].map((octet) => octet.toString(16).padStart(2, '0')).join(':')
    const standIn = this.mac(plain).split(':')
    for (const [i, digits] of standIn.entries()) octets[at + i] = Number.parseInt(digits, 16)
  }
}

const TRIES = 5

/**
 * The scene with stand-ins for its addresses and host names, and of the configuration of programs, which names sites and servers,
 * nothing but numbers.
 */
export async function redactScene(
  scene: Scene,
  host: HostFiles,
  secret?: Uint8Array,
): Promise<PackedScene> {
  const key = secret === undefined ? {} : { key: createHash('sha256').update(secret).digest() }
  for (let tries = 1; ; tries++) {
    const names = [host.hostName(), host.hostName().split('.')[0] ?? '']
    const redaction = new Redaction({ names, littleEndian: host.endianness() === 'LE', ...key })
    const redacted = await redactedBy(redaction, scene)
    // With a key that others have, there is one way only.
    if (secret !== undefined || !redaction.collides() || tries === TRIES) return redacted
  }
}

async function redactedBy(redaction: Redaction, scene: Scene): Promise<PackedScene> {
  const { looks, events, capture } = scene
  const leftOut = [
    ...scene.leftOut,
    { what: 'configuration of programs, but limits', why: '--redact' },
  ]
  const redacted: Scene = {
    ...scene,
    looks: looks.map(withoutProgramFiles),
    events: redaction.events(events),
    capture: capture === null ? null : await redactedCapture(redaction, capture, leftOut),
    leftOut,
  }
  const groups = groupsOf(redacted).map(({ what, files }) => ({
    what,
    files: redaction.files(files),
  }))
  const text = (words: string) => redaction.text(words)
  return { scene: redacted, groups, hostName: redaction.hostName, text }
}

async function redactedCapture(
  redaction: Redaction,
  { octets, about }: HeadersOnly,
  leftOut: BundleLeftOut[],
): Promise<HeadersOnly | null> {
  const mapped = await headersOnly(memorySource(octets), { ...about, map: redaction.packet })
  withheldPackets(mapped, leftOut)
  return mapped.packets === 0 ? null : mapped
}

function withoutProgramFiles(look: RecordedLook): RecordedLook {
  const scopes = new Map(
    [...look.scopes].map(([scope, reads]) => [
      scope,
      {
        ...reads,
        files: withLimits(kept(reads.files), reads.files),
        names: kept(reads.names),
        links: kept(reads.links),
      },
    ]),
  )
  return { ...look, scopes }
}

/** Of their configuration only the numbers: without those a diagnosis would say less. */
function withLimits(
  files: Map<string, Uint8Array>,
  all: ReadonlyMap<string, Uint8Array>,
): Map<string, Uint8Array> {
  for (const [path, octets] of all) {
    const text = isOfProgram(path) ? limitsOnly(path, textOf(octets)) : null
    if (text !== null) files.set(path, new TextEncoder().encode(text))
  }
  return files
}

function kept<T>(all: ReadonlyMap<string, T>): Map<string, T> {
  return new Map([...all].filter(([path]) => !isOfProgram(path)))
}
