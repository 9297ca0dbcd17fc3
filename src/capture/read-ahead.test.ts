import { describe, expect, test } from 'vitest'
import { type ByteSource, heap } from './byte-source.ts'
import { ChunkInput } from './chunks.ts'

const MIB = 1024 * 1024
const octetAt = (position: number) => (position * 31 + (position >> 12)) & 255

/** A file of `length` octets that may grow; answers in whatever order `delay` says. */
function file(length: number, delay: (call: number) => number = () => 0) {
  const state = { length, calls: 0, underWay: 0, most: 0, closed: false }
  const source: ByteSource = {
    size: length,
    identity: null,
    seekable: true,
    read: async () => {
      throw new Error('not read ahead')
    },
    async readAt(into, position) {
      const call = state.calls++
      state.most = Math.max(state.most, ++state.underWay)
      for (let i = delay(call); i > 0; i--) await new Promise((resolve) => setImmediate(resolve))
      const count = Math.max(0, Math.min(into.length, state.length - position))
      for (let i = 0; i < count; i++) into[i] = octetAt(position + i)
      state.underWay--
      return count
    },
    async close() {
      state.closed = true
    },
  }
  return { source, state }
}

/** Reads all, keeping the last `keep` octets each time. @returns octets, or throws where one is not what it should be */
async function readAll(input: ChunkInput, keep: number, each: () => void = () => {}) {
  let seen = 0
  while (await input.advance(Math.min(keep, input.bytes.length))) {
    const { bytes, offset } = input
    for (let i = 0; i < bytes.length; i += 997) {
      if (bytes[i] !== octetAt(offset + i)) throw new Error(`wrong octet at ${offset + i}`)
    }
    const last = bytes.length - 1
    expect(bytes[last]).toBe(octetAt(offset + last))
    expect(offset).toBeLessThanOrEqual(seen)
    seen = offset + bytes.length
    each()
  }
  return seen
}

describe('a long file', () => {
  test('is read by several requests at a time, and handed out in order whatever order they end in', async () => {
    const { source, state } = file(20 * MIB + 12_345, (call) => (call * 7) % 5)
    expect(await readAll(new ChunkInput(source), 1000)).toBe(20 * MIB + 12_345)
    expect(state.most).toBeGreaterThan(3)
  })

  test('keeps a record that is longer than the room in front of a piece', async () => {
    const { source } = file(17 * MIB)
    expect(await readAll(new ChunkInput(source), 700_000)).toBe(17 * MIB)
  })

  test('that grows meanwhile has no hole where it ended at first', async () => {
    const { source, state } = file(16 * MIB + 5, (call) => call % 3)
    let grown = 0
    const seen = await readAll(new ChunkInput(source), 10, () => {
      if (grown++ < 40) state.length += 300_001
    })
    expect(seen).toBe(state.length)
  })

  test('that became shorter ends there', async () => {
    const { source, state } = file(30 * MIB)
    const input = new ChunkInput(source)
    let pieces = 0
    const seen = await readAll(input, 0, () => {
      if (++pieces === 2) state.length = 9 * MIB + 1
    })
    expect(seen).toBe(9 * MIB + 1)
    expect(input.ended).toBe(true)
  })

  test('that cannot be read at one place gives all before it, then the error', async () => {
    const { source } = file(30 * MIB)
    const { readAt } = source
    source.readAt = async (into, position) => {
      if (position >= 8 * MIB) throw new Error('EIO')
      return readAt!(into, position)
    }
    let seen = 0
    const input = new ChunkInput(source)
    const reading = readAll(input, 0, () => {
      seen = input.offset + input.bytes.length
    })
    await expect(reading).rejects.toThrow('EIO')
    expect(seen).toBe(8 * MIB)
  })

  test('a short one is read as before', async () => {
    const { source, state } = file(MIB)
    await expect(new ChunkInput(source, 4096, heap).advance(0)).rejects.toThrow('not read ahead')
    expect(state.calls).toBe(0)
  })
})
