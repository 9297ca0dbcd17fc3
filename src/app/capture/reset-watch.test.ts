import { describe, expect, test } from 'vitest'
import { type PcapRecord, pcapFile } from '../../../test/helpers/pcap-writer.ts'
import { memorySource } from '../../capture/byte-source.ts'
import { ChunkInput } from '../../capture/chunks.ts'
import { pcap } from '../../capture/formats/pcap.ts'
import { newSourceState } from '../../capture/source-state.ts'
import { ResetWatch } from './reset-watch.ts'
import type { Fired } from './triggers.ts'

const SYN = 0x02
const RST = 0x04
const ACK = 0x10

interface Segment {
  atMs: number
  /** Port of the client; the server's is 80. */
  port: number
  flags: number
  seq?: number
  fromServer?: boolean
}

/** IPv4 and TCP, LINKTYPE_RAW. */
function segment({ port, flags, seq = 7, fromServer = false }: Segment): Uint8Array {
  const octets = new Uint8Array(40)
  const view = new DataView(octets.buffer)
  view.setUint32(0, 0x45000028)
  view.setUint32(8, 0x40060000)
  view.setUint32(12, fromServer ? 0x0a000002 : 0x0a000001)
  view.setUint32(16, fromServer ? 0x0a000001 : 0x0a000002)
  view.setUint16(20, fromServer ? 80 : port)
  view.setUint16(22, fromServer ? port : 80)
  view.setUint32(24, seq)
  view.setUint16(32, 0x5000 | flags)
  return octets
}

async function watch(segments: readonly Segment[], count = 3, listener?: string) {
  const fired: Fired[] = []
  const resets = new ResetWatch({
    burst: { count, withinMs: 1000 },
    onBurst: (one) => {
      fired.push(one)
      return 'BURST'
    },
    listenerAt: (port) => (port === 80 ? listener : undefined),
  })
  const records: PcapRecord[] = segments.map((one) => ({
    timeNs: BigInt(one.atMs) * 1_000_000n,
    data: segment(one),
  }))
  const file = pcapFile({ ns: true, link: 101, records })
  const stream = pcap.read(new ChunkInput(memorySource(file)), newSourceState(0, 'x'))
  const comments: (string | undefined)[] = []
  for (let batch = await stream.next(); batch !== null; batch = await stream.next()) {
    resets.begin(batch)
    for (let i = 0; i < batch.count; i++) comments.push(resets.comment(i))
  }
  return { fired, comments, resets }
}

const rst = (atMs: number, port: number, over: Partial<Segment> = {}): Segment => ({
  atMs,
  port,
  flags: RST,
  ...over,
})

describe('a burst is', () => {
  test('so many connections reset within the time', async () => {
    const { fired, comments } = await watch([rst(0, 1), rst(400, 2), rst(900, 3)])
    expect(fired).toEqual([
      {
        kind: 'reset-burst',
        values: { count: 3, withinMs: 1000, last: '10.0.0.1:3 - 10.0.0.2:80' },
      },
    ])
    expect(comments[2]).toBe('BURST; RST: reset by 10.0.0.1:3')
  })

  test.each([
    ['one too few', [rst(0, 1), rst(1, 2)]],
    ['too slow', [rst(0, 1), rst(600, 2), rst(1200, 3)]],
    ['the same connection again', [rst(0, 1), rst(1, 1), rst(2, 1), rst(3, 2)]],
    ['both ends of one connection', [rst(0, 1), rst(1, 1, { fromServer: true }), rst(2, 2)]],
    [
      'refusals of a SYN',
      [1, 2, 3, 4].map((port) => rst(port, port, { flags: RST | ACK, seq: 0, fromServer: true })),
    ],
    ['no resets at all', [1, 2, 3, 4].map((port) => rst(port, port, { flags: SYN }))],
  ])('near miss: %s', async (_, segments) => {
    expect((await watch(segments)).fired).toEqual([])
  })

  test('counted anew after it fired', async () => {
    const { fired } = await watch([1, 2, 3, 4, 5, 6].map((port) => rst(port, port)))
    expect(fired).toHaveLength(2)
  })

  test('RST with ACK that is no refusal', async () => {
    const segments = [1, 2, 3].map((port) => rst(port, port, { flags: RST | ACK }))
    expect((await watch(segments)).fired).toHaveLength(1)
  })
})

describe('comments', () => {
  test('who refused, who reset, and who listens there', async () => {
    const refusal = rst(0, 1, { flags: RST | ACK, seq: 0, fromServer: true })
    const { comments } = await watch(
      [refusal, rst(1, 2), rst(2, 3, { flags: SYN })],
      9,
      'nginx (pid 77)',
    )
    expect(comments).toEqual([
      'RST: refused by 10.0.0.2:80; port 80 is that of nginx (pid 77)',
      'RST: reset by 10.0.0.1:2; port 80 is that of nginx (pid 77)',
      undefined,
    ])
  })

  test('not more than the reader of captures keeps', async () => {
    const segments = Array.from({ length: 600 }, (_, i) => rst(i * 5000, i + 1))
    const { comments } = await watch(segments)
    expect(comments.filter((one) => one !== undefined)).toHaveLength(500)
  })

  test('the moment of another trigger stands at the next packet, whatever that is', async () => {
    const { resets } = await watch([])
    resets.pending = 'Trigger: log'
    const file = pcapFile({ link: 101, records: [{ timeNs: 0n, data: new Uint8Array(3) }] })
    const stream = pcap.read(new ChunkInput(memorySource(file)), newSourceState(0, 'x'))
    const batch = await stream.next()
    resets.begin(batch!)
    expect(resets.comment(0)).toBe('Trigger: log')
    expect(resets.comment(0)).toBe(undefined)
  })
})
