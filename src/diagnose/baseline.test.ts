import { expect, test } from 'vitest'
import { connection, evidence, reset } from '../../test/helpers/facts.ts'
import type { EndpointFacts, Evidence } from '../evidence/evidence.ts'
import { compareWithBaseline } from './baseline.ts'

interface Shape {
  total: number
  resets?: number
  endpoint?: Partial<EndpointFacts>
  ttl?: number
  retransmissions?: number
  survivedMs?: number
  endMs?: number
}

function capture(shape: Shape): Evidence {
  const { total, resets = 0, endMs = 600_000 } = shape
  const connections = Array.from({ length: total }, (_, id) =>
    connection({
      id,
      ending: id < resets ? 'reset' : 'clean',
      resets: id < resets ? [reset()] : [],
    }),
  )
  const dataPackets = total * 10
  return evidence({
    connections,
    endMs,
    ...(shape.endpoint === undefined ? {} : { endpoints: [shape.endpoint] }),
    ...(shape.ttl === undefined
      ? {}
      : {
          hosts: [{ address: '10.77.2.2', packets: 500, ttls: [{ ttl: shape.ttl, packets: 500 }] }],
        }),
    paths: [
      {
        dataPackets,
        retransmissions: shape.retransmissions ?? 0,
        survivedSilenceMs: shape.survivedMs ?? 0,
      },
    ],
  })
}

function differences(here: Shape, there: Shape) {
  return compareWithBaseline(capture(here), capture(there), 'good.pcap').differences
}

test('the same traffic twice: nothing differs', () => {
  expect(differences({ total: 500, resets: 10 }, { total: 480, resets: 11 })).toEqual([])
})

test('resets: the share first, with its samples', () => {
  const found = differences({ total: 200, resets: 80 }, { total: 400, resets: 4 })
  expect(found[0]).toEqual({
    what: 'connections that ended as "reset"',
    unit: '%',
    here: 40,
    baseline: 1,
    text: 'Of 200 against 400 connections.',
  })
  expect(found.find((d) => d.what === 'resets per 1,000 connections')).toMatchObject({
    here: 400,
    baseline: 10,
  })
})

test('too few connections on one side: nothing is said', () => {
  expect(differences({ total: 19, resets: 19 }, { total: 400, resets: 0 })).toEqual([])
})

test('chance: 3 resets of 100 against 1 of 100 is no difference', () => {
  expect(differences({ total: 100, resets: 3 }, { total: 100, resets: 1 })).toEqual([])
})

test('a slower handshake, in ms', () => {
  const rtt = (median: number, p90: number) => ({
    total: 100,
    endpoint: { endpoint: '10.77.2.2:80', handshakeRttMs: { median, p90, count: 100 } },
  })
  expect(differences(rtt(8, 1000), rtt(1, 950))).toEqual([
    {
      what: 'handshake time of 10.77.2.2:80 (median)',
      unit: 'ms',
      here: 8,
      baseline: 1,
      text: 'Of 100 against 100 handshakes.',
    },
  ])
})

test('another TTL of the same server', () => {
  expect(differences({ total: 50, ttl: 62 }, { total: 50, ttl: 63 })).toEqual([
    expect.objectContaining({ what: 'TTL of what 10.77.2.2 sends', here: 62, baseline: 63 }),
  ])
})

test('retransmissions, as a share of data packets', () => {
  const [first] = differences(
    { total: 100, retransmissions: 60 },
    { total: 100, retransmissions: 2 },
  )
  expect(first).toMatchObject({ what: 'data packets sent again', unit: '%', here: 6 })
})

test('the longest survived silence, only where both captures could have seen it', () => {
  const told = differences({ total: 50, survivedMs: 5000 }, { total: 50, survivedMs: 60_000 })
  expect(told.map((d) => d.what)).toEqual(['longest silence that was survived'])
  const short = { total: 50, survivedMs: 5000, endMs: 20_000 }
  expect(
    differences(short, { total: 50, survivedMs: 60_000, endMs: 600_000 }).map((d) => d.what),
  ).toEqual(['connections a second'])
})
