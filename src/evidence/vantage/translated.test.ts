import { describe, expect, test } from 'vitest'
import { ACK, connection, PSH, SYN, segment } from '../../../test/helpers/facts.ts'
import { traceOf, translatedPairs } from './translated.ts'

type Partial = Parameters<typeof connection>[0]

const NEAR = { client: endpoint('10.0.0.5', 40_000), server: endpoint('192.0.2.1', 443) }
const FAR = { client: endpoint('10.77.2.1', 40_000), server: endpoint('10.77.2.2', 8443) }

function endpoint(address: string, port: number) {
  return { address, port, endpoint: `${address}:${port}` }
}

function syn(tsVal: number | null, ipId = 77) {
  return segment({ from: 'client', flags: SYN, seq: 0, len: 0, tsVal, ipId })
}

/** @param isns of client and server, null = not seen */
function seen(
  id: number,
  ends: typeof NEAR,
  isns: [number | null, number | null],
  more: Partial = {},
) {
  const [client, server] = isns
  return connection({
    id,
    firstFrame: id * 10 + 1,
    startMs: id * 0.02,
    ...ends,
    head: [syn(1000)],
    tail: [],
    ...more,
    sides: {
      client: { isn: client, seqBase: client, ttls: [64 - id], ...more?.sides?.client },
      server: { isn: server, seqBase: server, ttls: [62 + id], ...more?.sides?.server },
    },
  })
}

function pairsOf(...connections: ReturnType<typeof connection>[]) {
  return translatedPairs(connections.map(traceOf)).map(({ near, far, between }) => [
    near.id,
    ...between.map((b) => b.id),
    far.id,
  ])
}

describe('one connection on both sides of a box', () => {
  test('both initial numbers are equal: the side with the fresher TTL is the client’s', () => {
    expect(pairsOf(seen(0, NEAR, [1, 2]), seen(1, FAR, [1, 2]))).toEqual([[0, 1]])
    const late = { sides: { client: { ttls: [64] } } }
    const first = { sides: { client: { ttls: [63] } } }
    expect(pairsOf(seen(0, FAR, [1, 2], first), seen(1, NEAR, [1, 2], late))).toEqual([[1, 0]])
  })

  test('translated twice within the capture', () => {
    const middle = { ...NEAR, client: endpoint('10.1.1.1', 40_000) }
    expect(pairsOf(seen(0, NEAR, [1, 2]), seen(1, middle, [1, 2]), seen(2, FAR, [1, 2]))).toEqual([
      [0, 1, 2],
    ])
  })

  test('a SYN that nothing answers on one side is known by its timestamp', () => {
    expect(pairsOf(seen(0, NEAR, [1, null]), seen(1, FAR, [1, 2]))).toEqual([[0, 1]])
  })

  test('without timestamps by its IP-ID, and only if it passed at once', () => {
    const bare = (ipId: number, startMs: number) => ({ head: [syn(null, ipId)], startMs })
    const near = seen(0, NEAR, [1, null], bare(5, 0))
    expect(pairsOf(near, seen(1, FAR, [1, null], bare(5, 0.03)))).toEqual([[0, 1]])
    expect(pairsOf(near, seen(1, FAR, [1, null], bare(6, 0.03)))).toEqual([])
    expect(pairsOf(near, seen(1, FAR, [1, null], bare(5, 900)))).toEqual([])
  })

  test('under way when the capture began: the same octets at the same moments', () => {
    const segments = (shiftMs: number) =>
      [0, 1, 2].map((i) =>
        segment({
          from: i === 1 ? 'server' : 'client',
          flags: PSH | ACK,
          seq: 1 + i * 10,
          len: 10,
          tMs: i * 5 + shiftMs,
        }),
      )
    const cut = (shiftMs: number) => ({
      head: segments(shiftMs),
      sides: { client: { seqBase: 500 }, server: { seqBase: 900 } },
    })
    expect(
      pairsOf(seen(0, NEAR, [null, null], cut(0)), seen(1, FAR, [null, null], cut(0.1))),
    ).toEqual([[0, 1]])
    expect(
      pairsOf(seen(0, NEAR, [null, null], cut(0)), seen(1, FAR, [null, null], cut(70))),
    ).toEqual([])
  })
})

describe('what is only alike stays two', () => {
  test('other numbers, whatever else is equal', () => {
    expect(pairsOf(seen(0, NEAR, [1, 2]), seen(1, FAR, [1, 3]))).toEqual([])
    expect(pairsOf(seen(0, NEAR, [1, 2]), seen(1, FAR, [4, 2]))).toEqual([])
  })

  test('a stack that begins every connection with one number', () => {
    const own = (id: number, ends: typeof NEAR) => seen(id, ends, [1, 2], { head: [syn(500 + id)] })
    expect(pairsOf(own(0, NEAR), own(1, FAR))).toEqual([])
    const oneId = (id: number, ends: typeof NEAR) =>
      seen(id, ends, [1, 2], { head: [syn(null, 1)], sides: { client: { ttls: [64] } } })
    expect(pairsOf(oneId(0, NEAR), oneId(1, FAR))).toEqual([])
    const bare = (id: number, ends: typeof NEAR) =>
      seen(id, ends, [1, 2], { head: [syn(null, -1)], sides: { client: { ttls: [64] } } })
    expect(pairsOf(bare(0, NEAR), bare(1, FAR))).toEqual([])
  })

  test('the same capture appended to itself: the same addresses', () => {
    expect(pairsOf(seen(0, NEAR, [1, 2]), seen(1, NEAR, [1, 2]))).toEqual([])
  })

  test('the same traffic once more, later and from another client: replayed, not translated', () => {
    const again = { head: [{ ...syn(1000), tMs: 40_000 }], startMs: 40_000 }
    expect(pairsOf(seen(0, NEAR, [1, 2]), seen(1, FAR, [1, 2], again))).toEqual([])
    const queued = { head: [{ ...syn(1000), tMs: 900 }], startMs: 900 }
    expect(pairsOf(seen(0, NEAR, [1, 2]), seen(1, FAR, [1, 2], queued))).toEqual([[0, 1]])
  })

  test('a scanner that gives all its SYNs one number', () => {
    const bare = (ipId: number) => ({ head: [syn(null, ipId)] })
    const ports = [1, 2, 3].map((n) =>
      seen(n, { ...NEAR, server: endpoint('192.0.2.1', n) }, [7, null], bare(n)),
    )
    expect(pairsOf(...ports)).toEqual([])
    const stamped = [1, 2, 3].map((n) =>
      seen(n, { ...NEAR, server: endpoint('192.0.2.1', n) }, [7, null]),
    )
    expect(pairsOf(...stamped)).toEqual([])
  })
})
