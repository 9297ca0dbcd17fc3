import { describe, expect, test } from 'vitest'
import type { PageLayout } from './format.ts'
import { decodePages } from './pages.ts'

const layout: PageLayout = { timestampAt: 0, commitAt: 8, commitSize: 8, dataAt: 16, pageSize: 256 }
const START = 1_000_000n

/** One page of 32-bit words as the kernel writes them. `delta` and `type` become the header of an entry. */
function page(
  words: readonly (number | { type: number; delta: number })[],
  of: { bigEndian?: boolean; flags?: number; start?: bigint; behind?: bigint } = {},
): Uint8Array {
  const octets = new Uint8Array(layout.pageSize)
  const view = new DataView(octets.buffer)
  const little = of.bigEndian !== true
  view.setBigUint64(0, of.start ?? START, little)
  const commit = BigInt(words.length * 4) | BigInt((of.flags ?? 0) >>> 0)
  view.setBigUint64(8, commit, little)
  for (const [i, word] of words.entries()) {
    const value =
      typeof word === 'number'
        ? word
        : little
          ? word.type | (word.delta << 5)
          : (word.type << 27) | word.delta
    view.setUint32(16 + i * 4, value, little)
  }
  view.setBigUint64(16 + words.length * 4, of.behind ?? 0n, little)
  return octets
}

function decoded(octets: Uint8Array, littleEndian = true) {
  const events: { after: bigint; first: number; length: number }[] = []
  const result = decodePages(octets, layout, littleEndian, (timeNs, record) => {
    const view = new DataView(record.buffer, record.byteOffset, record.byteLength)
    const first = record.length < 4 ? -1 : view.getUint32(0, littleEndian)
    events.push({ after: timeNs - START, first, length: record.length })
  })
  return { result, events }
}

const fine = { pages: 1, lost: 0, lostUncounted: false, odd: 0 }

describe.each([false, true])('a page of a machine, big-endian: %s', (bigEndian) => {
  test('times add up; extends and padding count, empty ends do not', () => {
    const octets = page(
      [
        { type: 1, delta: 5 },
        11,
        { type: 30, delta: 3 }, // 3 + 2 * 2^27 later
        2,
        { type: 2, delta: 0 },
        22,
        0,
        { type: 29, delta: 4 }, // thrown away, 8 octets with its length
        8,
        0,
        { type: 0, delta: 1 }, // the length in a word of its own
        12,
        33,
        0,
        { type: 29, delta: 0 }, // nothing more
        { type: 1, delta: 9 },
        44,
      ],
      { bigEndian },
    )
    const extended = 8n + (2n << 27n)
    expect(decoded(octets, !bigEndian)).toEqual({
      result: fine,
      events: [
        { after: 5n, first: 11, length: 4 },
        { after: extended, first: 22, length: 8 },
        { after: extended + 5n, first: 33, length: 8 },
      ],
    })
  })
})

test('an absolute time has 59 bits and takes the others from the page', () => {
  const start = (3n << 59n) + 100n
  const octets = page([{ type: 31, delta: 200 }, 0, { type: 1, delta: 0 }, 7], { start })
  expect(decoded(octets).events[0]?.after).toBe((3n << 59n) + 200n - START)
  const turned = page([{ type: 31, delta: 50 }, 0, { type: 1, delta: 0 }, 7], { start })
  expect(decoded(turned).events[0]?.after).toBe((4n << 59n) + 50n - START)
})

test('lost: counted behind the data, or only known', () => {
  const words = [{ type: 1, delta: 0 }, 7]
  const counted = page(words, { flags: 0xc0000000, behind: 701n })
  expect(decoded(counted).result).toEqual({ ...fine, lost: 701 })
  const known = page(words, { flags: 0x80000000 })
  expect(decoded(known).result).toEqual({ ...fine, lostUncounted: true })
  expect(decoded(known).events).toHaveLength(1)
})

test.each([
  ['a record that is longer than its page', [{ type: 28, delta: 0 }, 1]],
  ['a length that does not hold itself', [{ type: 0, delta: 0 }, 0]],
  ['a length near 2^32', [{ type: 0, delta: 0 }, 0xffffffff]],
  ['an extend that is cut', [{ type: 30, delta: 0 }]],
])('%s ends the page', (_, words) => {
  expect(decoded(page(words))).toEqual({ result: { ...fine, odd: 1 }, events: [] })
})

test('data that is said to be longer than the page', () => {
  const octets = page([{ type: 1, delta: 0 }, 7])
  new DataView(octets.buffer).setUint32(8, 0x00ffffff, true)
  const { result, events } = decoded(octets)
  expect(result.odd).toBeGreaterThan(0)
  expect(events[0]).toEqual({ after: 0n, first: 7, length: 4 })
})

test('a page that is cut in its header', () => {
  expect(decoded(new Uint8Array(9)).result).toEqual({ ...fine, pages: 0, odd: 1 })
})
