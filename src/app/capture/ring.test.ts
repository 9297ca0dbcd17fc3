import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readCapture } from '../../../test/helpers/read-capture.ts'
import { PcapngEncoder } from '../../capture/write/pcapng-encoder.ts'
import { isFull, PacketFile } from './packet-file.ts'
import { Ring } from './ring.ts'

let folder = ''
let nowMs = 0
let interfaces = 1
const output = () => join(folder, 'out.pcapng')
const pieces = () => join(folder, 'pieces')

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tcpwhy-test-ring-'))
  mkdirSync(pieces())
  nowMs = 0
  interfaces = 1
})
afterEach(() => rmSync(folder, { recursive: true }))

const encoder = new PcapngEncoder()

function header(): Uint8Array {
  encoder.section({ application: 'test' })
  for (let i = 0; i < interfaces; i++) encoder.interface({ link: 1, snapLen: 160, name: `if${i}` })
  return encoder.take().slice()
}

/** One packet of `octets`, its time being its name in seconds. */
function packet(name: number, { octets = 100, on = 0 } = {}): Uint8Array {
  const bytes = new Uint8Array(octets).fill(name)
  encoder.packet(on, name * 1e9, { bytes, start: 0, capLen: octets, wireLen: octets })
  return encoder.take().slice()
}

function ring(over: { keepMs?: number; maxOctets?: number } = {}): Ring {
  const made = new Ring({
    folder: pieces(),
    keepMs: 60_000,
    maxOctets: 10_000_000,
    nowMs: () => nowMs,
    ...over,
  })
  made.begin(header)
  return made
}

function fill(into: Ring, names: readonly number[], octets = 100): void {
  for (const name of names) {
    nowMs = name * 1000
    into.packets(packet(name, { octets }), { count: 1 })
  }
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

async function saved(from: Ring): Promise<number[]> {
  const told = from.save(output(), new Uint8Array(0))
  const { records, sources } = await readCapture([readFileSync(output())])
  expect(sources[0]!.faults).toEqual([])
  expect(told).toEqual({ path: output(), packets: records.length, octets: statSync(output()).size })
  expect(readdirSync(pieces())).toEqual([])
  return records.map(({ timeNs }) => Number(timeNs / 1_000_000_000n))
}

describe('what a ring keeps', () => {
  test('the last minute, and at most a piece more', async () => {
    const one = ring()
    fill(one, range(1, 600))
    const kept = await saved(one)
    expect(kept).toEqual(range(kept[0]!, 600))
    expect(kept[0]).toBeLessThanOrEqual(540)
    expect(kept[0]).toBeGreaterThanOrEqual(535)
  })

  test('all, when it is younger than that', async () => {
    const one = ring()
    fill(one, range(1, 30))
    expect(await saved(one)).toEqual(range(1, 30))
  })

  test('less, when the size is reached; it says so', async () => {
    const one = ring({ maxOctets: 20_000 })
    for (const name of range(1, 200)) {
      fill(one, [name], 1000)
      expect(one.octets).toBeLessThanOrEqual(20_000)
    }
    expect(one.cutBySize).toBeGreaterThan(0)
    const kept = await saved(one)
    expect(kept.at(-1)).toBe(200)
    expect(kept.length).toBeGreaterThan(10)
  })

  test('every piece is a capture of its own at any moment', async () => {
    const one = ring()
    fill(one, range(1, 50))
    const files = readdirSync(pieces()).map((name) => readFileSync(join(pieces(), name)))
    expect(files.length).toBeGreaterThan(5)
    const { records, sources } = await readCapture(files)
    expect(records).toHaveLength(50)
    expect(sources.flatMap(({ faults }) => faults)).toEqual([])
  })
})

describe('frozen', () => {
  test('nothing leaves by its age', async () => {
    const one = ring()
    fill(one, range(1, 60))
    one.freeze()
    fill(one, range(61, 300))
    expect(await saved(one)).toEqual(range(1, 300))
  })

  test('the moment itself does not leave by size: the tail ends', async () => {
    const one = ring({ maxOctets: 20_000 })
    fill(one, range(1, 10), 1000)
    let fullAt = 0
    one.onFull = () => {
      fullAt ||= nowMs / 1000
    }
    one.freeze()
    fill(one, range(11, 100), 1000)
    expect(fullAt).toBeGreaterThan(20)
    const kept = await saved(one)
    expect(kept).toContain(10)
    expect(kept).toContain(fullAt - 1)
  })

  test('after saving it begins anew', async () => {
    const one = ring()
    fill(one, range(1, 5))
    one.freeze()
    await saved(one)
    rmSync(output())
    one.restart()
    fill(one, range(6, 9))
    expect(await saved(one)).toEqual(range(6, 9))
  })
})

describe('one file of many pieces', () => {
  test('interfaces that came later are described before their packets', async () => {
    const one = ring()
    fill(one, [1, 2])
    interfaces = 2
    one.interfaces()
    one.packets(packet(3, { on: 1 }), { count: 1 })
    interfaces = 3
    one.interfaces()
    one.packets(packet(4, { on: 2 }), { count: 1 })
    one.packets(packet(5, { on: 0 }), { count: 1 })
    one.save(output(), new Uint8Array(0))
    const { records, sources } = await readCapture([readFileSync(output())])
    expect(records).toHaveLength(5)
    expect(sources[0]!.interfaces.map(({ name }) => name)).toEqual(['if0', 'if1', 'if2'])
    expect(sources[0]!.faults).toEqual([])
  })

  test('a full disk: the oldest piece makes room for the others', async () => {
    const one = ring()
    fill(one, range(1, 60))
    const first = readdirSync(pieces()).length
    const told = one.save(output(), new Uint8Array(0), true)
    expect(first).toBeGreaterThan(2)
    expect(told.packets).toBeLessThan(60)
    expect(told.packets).toBeGreaterThan(50)
  })

  test('a file that is there is not written over, and the pieces stay', () => {
    const one = ring()
    fill(one, range(1, 5))
    new PacketFile(output()).close()
    expect(() => one.save(output(), new Uint8Array(0))).toThrow(/is there already/)
    expect(readdirSync(pieces())).not.toEqual([])
  })
})

describe('a packet file', () => {
  test('is only for its user, and ends with what was whole', () => {
    const file = new PacketFile(output())
    file.append(packet(1))
    file.append(packet(2))
    file.close()
    expect(statSync(output()).mode & 0o777).toBe(0o600)
    expect(statSync(output()).size).toBe(file.octets)
  })

  test.runIf(existsSync('/dev/full'))('a full disk is told apart', () => {
    const file = new PacketFile('/dev/full')
    let failure: unknown = null
    try {
      file.append(packet(1))
    } catch (error) {
      failure = error
    }
    expect(isFull(failure)).toBe(true)
    expect(isFull(new Error('else'))).toBe(false)
  })

  test('in a folder that is not there: said', () => {
    expect(() => new PacketFile(join(folder, 'no', 'x'))).toThrow(/ENOENT/)
  })
})
