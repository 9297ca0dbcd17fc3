import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { EstablishedTally } from './established.ts'
import { parseFormat } from './format.ts'

const STATES = 'events/sock/inet_sock_set_state/format'
const text = readFileSync(`test/hosts/6.18/tracefs/${STATES}`, 'utf8')
const format = parseFormat(text)!

interface Change {
  from?: number
  to?: number
  port?: number
  v4?: readonly number[]
  v6?: readonly number[]
}

function record({ from = 3, to = 1, port = 80, v4 = [10, 0, 0, 1], v6 }: Change = {}) {
  const octets = new Uint8Array(72)
  const view = new DataView(octets.buffer)
  const at = (name: string) => format.fields.find((f) => f.name === name)!.offset
  view.setInt32(at('oldstate'), from, true)
  view.setInt32(at('newstate'), to, true)
  view.setUint16(at('sport'), port, true)
  view.setUint16(at('family'), v6 === undefined ? 2 : 10, true)
  octets.set(v4, at('saddr'))
  octets.set(v6 ?? [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...v4], at('saddr_v6'))
  return { octets, view }
}

function tallied(changes: readonly Change[], timeNs = 5n) {
  const tally = new EstablishedTally(format, true)
  tally.between(2n, 9n)
  const taken = changes.map((change) => {
    const { octets, view } = record(change)
    return tally.take(timeNs, octets, view)
  })
  return { taken, ends: tally.facts(), left: tally.left }
}

test('handshakes that ended at a listener are counted by local address and port', () => {
  const v6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
  const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1]
  expect(tallied([{}, {}, { port: 81 }, { v6 }, { v6: mapped }])).toEqual({
    taken: [true, true, true, true, true],
    ends: [
      { local: { address: '10.0.0.1', port: 80 }, count: 3 },
      { local: { address: '10.0.0.1', port: 81 }, count: 1 },
      { local: { address: '2001:db8::1', port: 80 }, count: 1 },
    ],
    left: 0,
  })
})

test('near misses: a connection of a client, and one that ends, are left to others', () => {
  expect(tallied([{ from: 2 }, { from: 3, to: 7 }])).toMatchObject({
    taken: [false, false],
    ends: [],
  })
})

test('what happened before and after counts for nothing', () => {
  for (const timeNs of [1n, 10n]) expect(tallied([{}], timeNs)).toMatchObject({ ends: [] })
})

test('of very many addresses the first thousands are told, and that there were more', () => {
  const ends = Array.from({ length: 5_000 }, (_, i) => ({ port: i + 1 }))
  expect(tallied(ends)).toMatchObject({ left: 904 })
})

test('a record that is cut is none', () => {
  const tally = new EstablishedTally(format, true)
  const { octets } = record()
  for (let length = 0; length < 56; length++) {
    const cut = octets.slice(0, length)
    expect(tally.take(5n, cut, new DataView(cut.buffer))).toBe(false)
  }
})
