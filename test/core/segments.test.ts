import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pcapFile } from '../helpers/pcap-writer.ts'
import { bothWays } from './both.ts'

// Segments that meet: two hosts, few ports and numbers, so that there is much to retransmit, reorder, reset and close.

interface Told {
  fromServer: boolean
  port: number
  flags: number
  /** In octets from where a side began. */
  seq: number
  ack: number
  length: number
  wnd: number
  ttl: number
  ipId: number
  options: 'none' | 'timestamps' | 'odd timestamps' | 'syn' | 'sack' | 'broken'
  tsVal: number
  waitUs: number
  vlan: boolean
}

const small = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom(1460, 2920, 4380, -1, -5000))

const segment: fc.Arbitrary<Told> = fc.record({
  fromServer: fc.boolean(),
  port: fc.constantFrom(40_000, 40_000, 40_000, 40_001),
  flags: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(0x10, 0x18, 0x10, 0x18, 0x11, 0x02, 0x12, 0x04, 0x14) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }) },
  ),
  seq: small,
  ack: small,
  length: fc.constantFrom(0, 0, 1, 2, 1460),
  wnd: fc.constantFrom(0, 500, 65_535),
  ttl: fc.constantFrom(64, 64, 57, 0),
  ipId: fc.constantFrom(0, 1, 2, 3, 65_535),
  options: fc.constantFrom('none', 'timestamps', 'odd timestamps', 'syn', 'sack', 'broken'),
  tsVal: fc.constantFrom(1, 2, 50, 20_000, -5),
  waitUs: fc.constantFrom(0, 1, 40, 900, 60_000, 400_000, 5_000_000, 90_000_000_000),
  vlan: fc.constantFrom(false, false, false, true),
})

/** A conversation that is in order, for whatever comes behind it to disturb. */
const opening: readonly Partial<Told>[] = [
  { flags: 0x02, options: 'syn' },
  { fromServer: true, flags: 0x12, ack: 1, options: 'syn' },
  { seq: 1, ack: 1 },
  { seq: 1, ack: 1, flags: 0x18, length: 2 },
  { fromServer: true, seq: 1, ack: 3, flags: 0x18, length: 1 },
  { seq: 3, ack: 2 },
]
const usual: Told = {
  fromServer: false,
  port: 40_000,
  flags: 0x10,
  seq: 0,
  ack: 0,
  length: 0,
  wnd: 500,
  ttl: 64,
  ipId: 0,
  options: 'none',
  tsVal: 1,
  waitUs: 40,
  vlan: false,
}

test('fuzz: any segments give the same rows, with the core and without', async () => {
  const capture = fc.tuple(fc.boolean(), fc.array(segment, { minLength: 1, maxLength: 40 }))
  await fc.assert(
    fc.asyncProperty(capture, async ([opened, segments]) => {
      const all = [...(opened ? opening : []).map((s) => ({ ...usual, ...s })), ...segments]
      const { core, without } = await bothWays({ files: [file(all)] })
      expect(core).toEqual(without)
    }),
    { numRuns: 300 },
  )
})

function file(segments: readonly Told[]): Uint8Array {
  let timeNs = 1_700_000_000_000_000_000n
  const records = segments.map((told) => {
    timeNs += BigInt(told.waitUs) * 1000n
    return { timeNs, data: frame(told) }
  })
  return pcapFile({ records })
}

function frame(told: Told): Uint8Array {
  const options = optionsOf(told)
  const link = told.vlan ? [0x81, 0, 0, 5, 8, 0] : [8, 0]
  const data = new Uint8Array(12 + link.length + 40 + options.length + told.length)
  data.set([2, 0, 0, 0, 0, told.fromServer ? 1 : 2, 2, 0, 0, 0, 0, told.fromServer ? 2 : 1])
  data.set(link, 12)
  const view = new DataView(data.buffer)
  const ip = 12 + link.length
  const tcp = ip + 20
  const [client, server] = [0x0a000001, 0x0a000002]
  data.set([0x45], ip)
  view.setUint16(ip + 2, data.length - ip)
  view.setUint16(ip + 4, told.ipId)
  data.set([told.ttl, 6], ip + 8)
  view.setUint32(ip + 12, told.fromServer ? server : client)
  view.setUint32(ip + 16, told.fromServer ? client : server)
  view.setUint16(tcp, told.fromServer ? 80 : told.port)
  view.setUint16(tcp + 2, told.fromServer ? told.port : 80)
  // The client's numbers wrap soon.
  const [own, peer] = told.fromServer ? [5000, 0xffff_fffe] : [0xffff_fffe, 5000]
  view.setInt32(tcp + 4, own + told.seq)
  view.setInt32(tcp + 8, peer + told.ack)
  data.set([((20 + options.length) / 4) << 4, told.flags], tcp + 12)
  view.setUint16(tcp + 14, told.wnd)
  data.set(options, tcp + 20)
  return data
}

function optionsOf({ options, tsVal, seq }: Told): number[] {
  const word = (value: number) => [
    value >>> 24,
    (value >>> 16) & 255,
    (value >>> 8) & 255,
    value & 255,
  ]
  switch (options) {
    case 'none':
      return []
    case 'timestamps':
      return [1, 1, 8, 10, ...word(tsVal), ...word(tsVal - 1)]
    case 'odd timestamps':
      return [8, 10, ...word(tsVal), ...word(tsVal), 1, 1]
    case 'syn':
      return [2, 4, 5, 180, 4, 2, 8, 10, ...word(tsVal), ...word(0), 1, 3, 3, 7]
    case 'sack':
      return [1, 1, 5, 10, ...word(seq), ...word(seq + 1460)]
    case 'broken':
      return [1, 2, 9, 9]
  }
}
