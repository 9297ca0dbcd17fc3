import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { headersOnly } from '../../src/app/bundle/headers-only.ts'
import { machineOfBundle, openBundle } from '../../src/app/bundle/open.ts'
import { memorySource } from '../../src/capture/byte-source.ts'
import { AddressMap } from '../../src/host/bundle/scrub/addresses.ts'
import { scrubSockDiag } from '../../src/host/bundle/scrub/sock-diag.ts'
import { mapText } from '../../src/host/bundle/scrub/text.ts'
import { scrubTrace } from '../../src/host/bundle/scrub/trace.ts'
import type { HostFiles } from '../../src/host/host-files.ts'
import { eventsOf } from '../../src/host/tracefs/replay.ts'
import { root } from '../helpers/built.ts'
import { diagnoseCapture } from '../helpers/diagnose-capture.ts'
import { hostFrom } from '../helpers/recorded-host.ts'
import { recordedEvents } from './events.ts'
import { archiveOf, FOLDER, scene, snapshotOf, twoNamespaces } from './scene.ts'

const V4 = [203, 0, 113]
const V6 = [0x20, 0x01, 0x0d, 0xb8, 0xca, 0xfe]

/** Loopback, which redaction leaves alone, becomes an address that it must not. */
function conspicuous(octets: Uint8Array, at: number, size: 4 | 16): void {
  const own = octets.subarray(at, at + size)
  if (own.every((octet) => octet === 0)) return
  if (size === 4) own.set([...V4, own[3]!])
  else own.set([...V6, 0, 0, 0, 0, 0, 0, 0, 0, 0, own[15]!])
}

const recorded = hostFrom(FOLDER, {
  ...twoNamespaces,
  links: { ...twoNamespaces.links, [`/proc/${scene.server}/fd/99`]: '/srv/203.0.113.77/x' },
})

const host: HostFiles = {
  ...recorded,
  hostName: () => 'dbhost77.secret.example',
  sockDiag: (request, take) =>
    recorded.sockDiag(request, (octets) => {
      const copy = octets.slice()
      scrubSockDiag(copy, true, conspicuous)
      return take(copy)
    }),
}

const CAPTURES = [
  'firewall-reject/ipv6',
  'host-unreachable/no-route',
  'close-with-unread-data/unread-response-ipv6',
]
const LOG =
  '[1.0] IN=eth0 MAC=52:54:00:12:34:56:52:54:00:ab:cd:ef:08:00 SRC=203.0.113.5 DST=2001:db8:cafe::9 on dbhost77\n'

async function captured(name: string) {
  const octets = new Uint8Array(readFileSync(join(root, `test/captures/${name}.pcap`)))
  const about = { application: 'test', comment: '', dropped: 0, startMs: 1, endMs: 2 }
  return headersOnly(memorySource(octets), about)
}

const events = scrubTrace(recordedEvents(), conspicuous)

async function both(name: string) {
  const happened = {
    events,
    kernelLog: LOG,
    capture: async () => ({
      stop: async () => ({ is: 'captured' as const, headers: await captured(name) }),
    }),
  }
  const open = async (redact: boolean) => {
    const taken = await snapshotOf(host, { redact, pids: [scene.server] }, happened)
    return openBundle(memorySource(archiveOf(taken)), 'x')
  }
  return { plain: await open(false), redacted: await open(true) }
}

/** All that is between the two: "10.0.0.1", "2001:db8::1". */
type Pairs = [string, string][]

function socketPairs(plain: Bundle, redacted: Bundle): Pairs {
  const [before, after] = [plain, redacted].map((bundle) =>
    machineOfBundle(bundle, 'host').after.namespaces.flatMap(({ sockets }) => sockets),
  )
  expect(after!.length).toBe(before!.length)
  return before!.flatMap((socket, i) => {
    const other = after![i]!
    expect([other.state, other.local.port, other.remote.port, other.inode]).toEqual([
      socket.state,
      socket.local.port,
      socket.remote.port,
      socket.inode,
    ])
    expect(other.tcpInfo).toEqual(socket.tcpInfo)
    return [
      [socket.local.address, other.local.address],
      [socket.remote.address, other.remote.address],
    ] satisfies Pairs
  })
}

type Bundle = Awaited<ReturnType<typeof openBundle>>

function eventPairs(plain: Bundle, redacted: Bundle): Pairs {
  const [before, after] = [plain, redacted].map((b) => machineOfBundle(b, 'host').events!.events)
  expect(after!.map(({ kind, reason }) => [kind, reason])).toEqual(
    before!.map(({ kind, reason }) => [kind, reason]),
  )
  return before!.flatMap(({ local, remote }, i) =>
    [
      [local, after![i]!.local],
      [remote, after![i]!.remote],
    ].flatMap(([a, b]) => (a && b ? [[a.address, b.address] as [string, string]] : [])),
  )
}

async function capturePairs(plain: Bundle, redacted: Bundle): Promise<Pairs> {
  const [before, after] = await Promise.all(
    [plain, redacted].map((bundle) => diagnoseCapture(bundle.capture!)),
  )
  const ends = (report: typeof before) =>
    report!.connections.listed.flatMap(({ client, server }) => [client, server])
  const strip = (end: string) => end.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  expect(after!.findings.map(({ cause }) => cause)).toEqual(before!.findings.map((f) => f.cause))
  expect(ends(after).map((end) => end.replace(/.*:/, ''))).toEqual(
    ends(before).map((end) => end.replace(/.*:/, '')),
  )
  return ends(before).map((end, i) => [strip(end), strip(ends(after)[i]!)])
}

describe.each(CAPTURES)('a redacted bundle with the packets of %s', async (name) => {
  const { plain, redacted } = await both(name)
  const pairs = [
    ...socketPairs(plain, redacted),
    ...eventPairs(plain, redacted),
    ...(await capturePairs(plain, redacted)),
  ]
  const originals = [...new Set(pairs.map(([original]) => original))].filter((a) => !isKept(a))

  test('has one stand-in for each address, the same everywhere, and none for two', () => {
    expect(originals.length).toBeGreaterThan(4)
    const standIns = new Map(pairs)
    for (const [original, standIn] of pairs) expect(standIns.get(original)).toBe(standIn)
    expect(new Set(standIns.values()).size).toBe(standIns.size)
    for (const original of originals) expect(standIns.get(original)).not.toBe(original)
  })

  test('has no original address in any file, as text, octets or words of the machine', () => {
    const needles = originals.flatMap(spellings)
    const found = (bundle: Bundle) =>
      [...bundle.files].flatMap(([file, octets]) =>
        needles
          .filter((needle) => Buffer.from(octets).includes(needle))
          .map((needle) => `${file}: ${needle.toString('hex')}`),
      )
    expect(found(redacted)).toEqual([])
    expect(new Set(found(plain).map((at) => at.replace(/.*\/|:.*/g, ''))).size).toBeGreaterThan(3)
  })

  test('has neither the name of the host nor link-layer addresses', () => {
    const files = [...redacted.files].map(([file, octets]) => ({ file, all: Buffer.from(octets) }))
    const pcap = readFileSync(join(root, `test/captures/${name}.pcap`))
    // The source of the first packet, behind the headers of file and record; Ethernet.
    const mac = pcap.subarray(24 + 16 + 6, 24 + 16 + 12)
    expect(pcap.readUInt32LE(20)).toBe(1)
    const needles = ['dbhost77', 'secret.example', '52:54:00', mac]
    const found = files.filter(({ all }) => needles.some((needle) => all.includes(needle)))
    expect(found.map(({ file }) => file)).toEqual([])
    expect(redacted.manifest.host.name).toMatch(/^host-[\da-f]{6}$/)
    expect(redacted.manifest).toMatchObject({ redacted: true })
    expect(plain.manifest).toMatchObject({ redacted: false })
  })

  test('leads to the same causes', () => {
    const causes = (bundle: Bundle) => {
      const machine = machineOfBundle(bundle, 'host')
      return [machine.after.namespaces.map((n) => n.listeners.length), machine.resets.length]
    }
    expect(causes(redacted)).toEqual(causes(plain))
  })
})

describe('redacted bundles', () => {
  const hashOf = async (redactKey?: Uint8Array) => {
    const key = redactKey === undefined ? {} : { redactKey }
    const taken = await snapshotOf(host, { redact: true, ...key }, { events, kernelLog: LOG })
    const bundle = await openBundle(memorySource(archiveOf(taken)), 'x')
    const octets = [...bundle.files].flatMap(([name, all]) =>
      /sock_diag|kernel-log/.test(name) ? [Buffer.from(all).toString('hex')] : [],
    )
    return { octets, name: bundle.manifest.host.name }
  }

  test('of one key have the same stand-ins, of another or of none they have not', async () => {
    const [key, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
    const first = await hashOf(key)
    expect(first.octets.length).toBeGreaterThan(1)
    expect(await hashOf(key)).toEqual(first)
    expect(await hashOf(other)).not.toEqual(first)
    expect(await hashOf()).not.toEqual(await hashOf())
  })
})

function isKept(address: string): boolean {
  return /^(0\.|127\.|::1?$|::ffff:(127|0)\.)/.test(address)
}

function spellings(address: string): Buffer[] {
  const octets = octetsOf(address)
  const swapped = Buffer.concat(
    Array.from({ length: octets.length / 4 }, (_, i) =>
      Buffer.from(octets.subarray(i * 4, i * 4 + 4)).reverse(),
    ),
  )
  const hex = swapped.toString('hex')
  return [Buffer.from(address), octets, Buffer.from(hex), Buffer.from(hex.toUpperCase())]
}

function octetsOf(address: string): Buffer {
  let octets = Buffer.alloc(0)
  mapText(address, (found, at, size) => {
    octets = Buffer.from(found.subarray(at, at + size))
  })
  return octets
}

describe('stand-ins for addresses', () => {
  const mapOf = (key: string) =>
    new AddressMap((octets) => createHmac('sha256', key).update(octets).digest())
  const mapped = (map: AddressMap, address: readonly number[]) => {
    const octets = Uint8Array.from(address)
    map.map(octets, 0, address.length === 4 ? 4 : 16)
    return octets
  }
  const shared = (a: Uint8Array, b: Uint8Array) => {
    for (let bit = 0; bit < a.length * 8; bit++) {
      const at = (octets: Uint8Array) => (octets[bit >> 3]! >> (7 - (bit & 7))) & 1
      if (at(a) !== at(b)) return bit
    }
    return a.length * 8
  }
  const address = (size: number) => fc.array(fc.nat(255), { minLength: size, maxLength: size })

  test.each([4, 16])('of %d octets share as many first bits as the addresses do', (size) => {
    const map = mapOf('a')
    fc.assert(
      fc.property(address(size), address(size), fc.nat(size * 8), (one, other, same) => {
        // Random addresses seldom share much: let them.
        const near = one.map((octet, i) => (i < same >> 3 ? octet : other[i]!))
        const [a, b] = [Uint8Array.from(one), Uint8Array.from(near)]
        if (isEmbedding(a) !== isEmbedding(b)) return
        expect(shared(mapped(map, one), mapped(map, near))).toBe(shared(a, b))
      }),
    )
  })

  test.each([
    ['private stays private', [10, 1, 2, 3], /^10\./],
    ['private stays private', [172, 20, 2, 3], /^172\.(1[6-9]|2\d|3[01])\./],
    ['private stays private', [192, 168, 2, 3], /^192\.168\./],
    ['link-local stays link-local', [169, 254, 2, 3], /^169\.254\./],
    ['loopback stays', [127, 0, 0, 53], /^127\.0\.0\.53$/],
    ['unspecified stays', [0, 0, 0, 0], /^0\.0\.0\.0$/],
    ['broadcast stays', [255, 255, 255, 255], /^255\.255\.255\.255$/],
    ['multicast stays', [224, 0, 0, 251], /^224\.0\.0\.251$/],
  ])('%s: %j', (_, given, expected) => {
    for (const key of ['a', 'b', 'c']) expect(mapped(mapOf(key), given).join('.')).toMatch(expected)
  })

  test('every address of a network has its own', () => {
    const map = mapOf('a')
    const all = new Set<string>()
    for (let i = 0; i < 65_536; i++) all.add(mapped(map, [100, 70, i >> 8, i & 255]).join('.'))
    expect(all.size).toBe(65_536)
  })

  test('in a text: versions, times and link-layer addresses are none', () => {
    const text = '6.1.0-32 12:34:56 52:54:00:12:34:56 1.2.3.4.5 a::b::c 999.1.1.1 std::string'
    expect(mapText(text, () => expect.fail('no address'))).toBe(text)
  })
})

function isEmbedding(octets: Uint8Array): boolean {
  return (
    octets.length === 16 && /^(0{20}ffff|0064ff9b0{16})/.test(Buffer.from(octets).toString('hex'))
  )
}

test('the keys of TCP-MD5 that the kernel tells root are cleared, also without --redact', () => {
  const attribute = (type: number, value: string) => {
    const octets = Buffer.alloc(4 + ((value.length + 3) & ~3))
    octets.writeUInt16LE(4 + value.length, 0)
    octets.writeUInt16LE(type, 2)
    octets.write(value, 4)
    return octets
  }
  const socket = Buffer.alloc(72)
  socket.set([2, 1])
  const body = Buffer.concat([
    socket,
    attribute(4, 'cubic'),
    attribute(18, 'hunter2-hunter2'),
    attribute(15, 'mark'),
  ])
  const header = Buffer.alloc(16)
  header.writeUInt32LE(16 + body.length, 0)
  header.writeUInt16LE(20, 4)
  const message = new Uint8Array(Buffer.concat([header, body]))
  scrubSockDiag(message, true)
  expect(Buffer.from(message).toString('latin1')).toContain('cubic')
  expect(Buffer.from(message).toString('latin1')).toContain('mark')
  expect(Buffer.from(message).toString('latin1')).not.toContain('hunter2')
})

test('packets end where their payload began, whatever was captured', async () => {
  const { packets, octets } = await captured('close-with-unread-data/unread-response-ipv6')
  expect(packets).toBeGreaterThan(5)
  expect(Buffer.from(octets).toString('latin1')).not.toMatch(/HTTP|GET |Content/)
  const whole = readFileSync(
    join(root, 'test/captures/close-with-unread-data/unread-response-ipv6.pcap'),
  )
  expect(whole.toString('latin1')).toMatch(/HTTP|GET /)
})

test('the events of conspicuous addresses are those that were recorded', () => {
  const kinds = (recording: Parameters<typeof eventsOf>[0]) =>
    eventsOf(recording).events.map(({ kind, reason }) => `${kind} ${reason}`)
  expect(kinds(events)).toEqual(kinds(recordedEvents()))
})
