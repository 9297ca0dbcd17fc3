import { describe, expect, test } from 'vitest'
import { exchange, factsOf, flowsOf, starts, told } from '../../test/helpers/conversation.ts'

const plain = {
  rto: 0,
  fast: 0,
  spurious: 0,
  syn: 0,
  synAck: 0,
  fin: 0,
}

describe.each(starts)('the same packet captured twice, $name', (start) => {
  const segments = told(
    `${exchange}\n 60 C > S [F.] seq 101 ack 201\n 70 S > C [F.] seq 201 ack 102`,
    start,
  )

  function expectUndisturbed(all: typeof segments, copies: number) {
    const { connections, result } = flowsOf(all)
    expect(connections).toHaveLength(1)
    const [facts] = connections
    const [once] = flowsOf(segments).connections
    expect(facts!.duplicateFrames).toBe(copies)
    expect(result.duplicates).toBe(copies)
    for (const side of ['client', 'server'] as const) {
      const { packets, payloadOctets, retransmissions, duplicateAcks } = facts!.sides[side]
      expect(retransmissions).toEqual(plain)
      expect(duplicateAcks).toBe(0)
      expect({ packets, payloadOctets }).toEqual({
        packets: once!.sides[side].packets,
        payloadOctets: once!.sides[side].payloadOctets,
      })
    }
    expect(facts!.ending).toBe('clean')
  }

  test('at once, with one hop less (both sides of a router)', () => {
    const all = segments.flatMap((s) => {
      const packet = Object.assign(Object.create(Object.getPrototypeOf(s.packet)), s.packet)
      packet.ttl--
      return [s, { ...s, packet, tNs: s.tNs + 20_000 }]
    })
    expectUndisturbed(all, segments.length)
  })

  test('a SYN without IP-ID, half a millisecond apart (a mirror behind a slow hop)', () => {
    const all = segments.flatMap((s) => {
      if ((s.packet.flags & 2) === 0) return [s]
      const packet = Object.assign(Object.create(Object.getPrototypeOf(s.packet)), s.packet)
      packet.ipId = 0
      const first = { ...s, packet }
      return [first, { ...first, tNs: s.tNs + 500_000 }]
    })
    expectUndisturbed(all, 2)
  })

  test('interleaved: the copies of two packets come after both', () => {
    const [a, b] = [segments[4]!, segments[5]!]
    const first = { ...b, tNs: a.tNs + 1000 }
    const copies = [
      { ...a, tNs: a.tNs + 2000 },
      { ...b, tNs: a.tNs + 3000 },
    ]
    expectUndisturbed([...segments.slice(0, 5), first, ...copies, ...segments.slice(6)], 2)
  })

  test('the whole capture appended to itself, time running back', () => {
    expectUndisturbed([...segments, ...segments], segments.length)
  })

  test('also when the connection was still open', () => {
    const open = told(exchange, start)
    const [facts] = flowsOf([...open, ...open]).connections
    expect(facts!.duplicateFrames).toBe(open.length)
    expect(facts!.sides.client.packets).toBe(4)
  })
})

describe.each(starts)('what is no copy, $name', (start) => {
  test('a retransmission has another IP-ID', () => {
    const facts = factsOf(
      `${exchange}
       100 C > S [P.] seq 101 ack 201 len 50
       105 C > S [P.] seq 101 ack 201 len 50`,
      start,
    )
    expect(facts.duplicateFrames).toBe(0)
    expect(facts.sides.client.retransmissions.rto).toBe(1)
  })

  test('where the IP-ID never changes it does not tell', () => {
    const facts = factsOf(
      `0   C > S [S]  seq 0 id 1
       10  S > C [S.] seq 0 ack 1 id 1
       20  C > S [.]  seq 1 ack 1 id 1
       30  C > S [P.] seq 1 ack 1 len 50 id 1
       35  C > S [P.] seq 1 ack 1 len 50 id 1`,
      start,
    )
    expect(facts.duplicateFrames).toBe(0)
    expect(facts.sides.client.retransmissions.rto).toBe(1)
  })

  test('a clock that runs back a little loses nothing', () => {
    const facts = factsOf(
      `${exchange}
       60 C > S [P.] seq 101 ack 201 len 10
       30 S > C [.]  seq 201 ack 111
       31 S > C [P.] seq 201 ack 111 len 20
       41 C > S [.]  seq 111 ack 221`,
      start,
    )
    expect(facts.duplicateFrames).toBe(0)
    expect(facts.sides.server).toMatchObject({ payloadOctets: 220, missingOctets: 0 })
    expect(facts.longestSilence?.ms ?? 0).toBeGreaterThanOrEqual(0)
  })
})
