import fc from 'fast-check'
import { expect, test } from 'vitest'
import { flowsOf, type Told } from '../../test/helpers/conversation.ts'
import { KIND_TCP, Packet } from '../packet/packet.ts'

/** Few addresses, ports and numbers, so that segments meet; any flags, lengths, times. */
const near = fc.oneof(
  fc.integer({ min: -3, max: 5 }),
  fc.constantFrom(0x7fff_ffff, -0x8000_0000, 1460, 3000),
  fc.integer(),
)

const segment = fc.record({
  src: fc.integer({ min: 1, max: 3 }),
  dst: fc.integer({ min: 1, max: 3 }),
  srcPort: fc.constantFrom(80, 40_000, 0, 65_535),
  dstPort: fc.constantFrom(80, 40_000, 0, 65_535),
  family: fc.constantFrom<4 | 6>(4, 4, 4, 6),
  seq: near,
  ack: near,
  flags: fc.oneof(fc.constantFrom(2, 18, 16, 24, 17, 4, 20), fc.integer({ min: 0, max: 255 })),
  wnd: fc.constantFrom(0, 1, 500, 65_535),
  dataLen: fc.oneof(fc.constantFrom(0, 1, 2, 1460), fc.integer({ min: 0, max: 0x1_0000 })),
  ttl: fc.constantFrom(0, 64, 57, 255),
  ipId: fc.constantFrom(-1, 0, 1, 2, 65_535),
  windowScale: fc.constantFrom(-1, 0, 7, 255),
  hasTimestamps: fc.constantFrom(0, 1),
  tsVal: near,
  optionsLen: fc.constantFrom(-1, 0, 12, 40),
  fastOpenCookie: fc.constantFrom(-1, 0, 8),
})

const step = fc.constantFrom(0, 1, 1e3, 1e6, 1e9, 1e14, -1, -1e6, -1e12)

test('fuzz: any segments in any order give finite counts that are not negative', () => {
  const capture = fc.array(fc.tuple(segment, step), { maxLength: 60 })
  fc.assert(
    fc.property(capture, (packets) => {
      let tNs = 0
      const segments: Told[] = packets.map(([fields, ns], i) => {
        tNs += ns
        const packet = Object.assign(new Packet(), fields, { kind: KIND_TCP, rare: 1 })
        return { packet, tNs, frame: i + 1 }
      })
      const { connections, result } = flowsOf(segments)
      expect(result.totals.connections).toBe(connections.length)
      const seen = connections.reduce((sum, { sides, duplicateFrames }) => {
        return sum + sides.client.packets + sides.server.packets + duplicateFrames
      }, 0)
      expect(seen).toBeLessThanOrEqual(segments.length)
      for (const connection of connections) {
        expectCounts(connection.sides.client, 'client')
        expectCounts(connection.sides.server, 'server')
        expect(connection.lastFrame).toBeGreaterThanOrEqual(connection.firstFrame)
      }
    }),
    { numRuns: 1_500 },
  )
})

/** Every number below is finite; all but times (which may lie before the start of the capture) are not negative. */
function expectCounts(value: unknown, path: string): void {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new Error(`${path} is ${value}`)
    const isTime = /Ms$|\.seq$|^.*\.fin\./.test(path)
    if (!isTime && value < 0) throw new Error(`${path} is ${value}`)
  } else if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) expectCounts(item, `${path}[${i}]`)
  } else if (value !== null && typeof value === 'object') {
    for (const [key, item] of Object.entries(value)) expectCounts(item, `${path}.${key}`)
  }
}
