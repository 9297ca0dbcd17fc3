import { describe, expect, test } from 'vitest'
import { exchange, factsOf, handshake, starts } from '../../test/helpers/conversation.ts'

const none = { rto: 0, fast: 0, spurious: 0, syn: 0, synAck: 0, fin: 0 }

describe.each(starts)('what a segment is called, $name', (start) => {
  test('nothing is repeated in a plain exchange', () => {
    const { sides, duplicateFrames } = factsOf(exchange, start)
    expect(sides.client.retransmissions).toEqual(none)
    expect(sides.server.retransmissions).toEqual(none)
    expect(sides.client).toMatchObject({ payloadOctets: 100, ackedOctets: 100, inFlightOctets: 0 })
    expect(sides.server).toMatchObject({ payloadOctets: 200, duplicateAcks: 0, outOfOrder: 0 })
    expect(duplicateFrames).toBe(0)
  })

  test('sent again after a time-out, acknowledged in the end', () => {
    const { sides } = factsOf(
      `${exchange}
       100 C > S [P.] seq 101 ack 201 len 50
       400 C > S [P.] seq 101 ack 201 len 50
       410 S > C [.]  seq 201 ack 151`,
      start,
    )
    expect(sides.client.retransmissions).toEqual({ ...none, rto: 1 })
    expect(sides.client).toMatchObject({ payloadOctets: 150, unanswered: null })
  })

  test('sent again after three duplicate ACKs: fast', () => {
    const { sides } = factsOf(
      `${exchange}
       100 S > C [.]  seq 201 ack 101 len 100
       101 S > C [.]  seq 301 ack 101 len 100
       102 S > C [.]  seq 401 ack 101 len 100
       103 S > C [.]  seq 501 ack 101 len 100
       121 C > S [.]  seq 101 ack 201
       122 C > S [.]  seq 101 ack 201
       123 C > S [.]  seq 101 ack 201
       130 S > C [.]  seq 201 ack 101 len 100
       150 C > S [.]  seq 101 ack 601`,
      start,
    )
    expect(sides.server.retransmissions).toEqual({ ...none, fast: 1 })
    expect(sides.client.duplicateAcks).toBe(3)
  })

  test('sent again although it was acknowledged: spurious', () => {
    const { sides } = factsOf(
      `${exchange}
       300 S > C [P.] seq 1 ack 101 len 200`,
      start,
    )
    expect(sides.server.retransmissions).toEqual({ ...none, spurious: 1 })
    expect(sides.server.payloadOctets).toBe(200)
  })

  test('sent again too early, as the echoed timestamp tells: spurious', () => {
    const story = (echo: number) => `
      0   C > S [S]  seq 0 ts 10:0
      10  S > C [S.] seq 0 ack 1 ts 50:10
      20  C > S [.]  seq 1 ack 1 ts 11:50
      30  C > S [P.] seq 1 ack 1 len 100 ts 12:50
      230 C > S [P.] seq 1 ack 1 len 100 ts 212:50
      235 S > C [.]  seq 1 ack 101 ts 60:${echo}`
    const early = factsOf(story(12), start).sides.client.retransmissions
    const needed = factsOf(story(212), start).sides.client.retransmissions
    expect(early).toEqual({ ...none, spurious: 1 })
    expect(needed).toEqual({ ...none, rto: 1 })
  })

  test('a FIN sent again', () => {
    const { sides } = factsOf(
      `${exchange}
       60  C > S [F.] seq 101 ack 201
       260 C > S [F.] seq 101 ack 201
       270 S > C [.]  seq 201 ack 102`,
      start,
    )
    expect(sides.client.retransmissions).toEqual({ ...none, fin: 1 })
    expect(sides.client.fin).toMatchObject({ tMs: 60, ackedMs: 270, times: 2 })
  })

  test('what fills a gap within a round trip is out of order, also behind a FIN', () => {
    const { sides } = factsOf(
      `${exchange}
       100 S > C [F.] seq 301 ack 101
       110 S > C [P.] seq 201 ack 101 len 100
       120 C > S [.]  seq 101 ack 302`,
      start,
    )
    expect(sides.server).toMatchObject({ outOfOrder: 1, missingOctets: 0, payloadOctets: 300 })
    expect(sides.server.retransmissions).toEqual(none)
  })

  test('what was seen before and comes again at once has been sent twice', () => {
    const { sides } = factsOf(
      `${exchange}
       100 S > C [.]  seq 201 ack 101 len 100
       101 S > C [.]  seq 301 ack 101 len 100
       102 S > C [.]  seq 201 ack 101 len 100`,
      start,
    )
    expect(sides.server).toMatchObject({ outOfOrder: 0, payloadOctets: 400 })
    expect(sides.server.retransmissions).toEqual({ ...none, rto: 1 })
  })

  test.each([
    ['in it', '130 S > C [F.] seq 201 ack 102', 0],
    ['not in it', '', 1],
  ])('a FIN whose repetition came after an acknowledgment beyond it: %s', (_, again, missing) => {
    const { sides } = factsOf(
      `${exchange}
       60  C > S [F.] seq 101 ack 201
       100 S > C [.]  seq 202 ack 102
       ${again}
       140 C > S [.]  seq 102 ack 202`,
      start,
    )
    expect(sides.server).toMatchObject({ missingOctets: missing, payloadOctets: 200 })
  })

  test('acknowledged octets that are not in the capture are missing, not lost', () => {
    const { sides } = factsOf(
      `${exchange}
       100 S > C [.]  seq 1201 ack 101 len 100
       110 C > S [.]  seq 101 ack 1301`,
      start,
    )
    expect(sides.server).toMatchObject({ missingOctets: 1000, payloadOctets: 300 })
    expect(sides.server.retransmissions).toEqual(none)
  })

  test('more gaps than are remembered: counts stay right where they can', () => {
    const gaps = [1, 2, 3, 4, 5, 6].map(
      (i) => `${100 + i} S > C [.] seq ${201 + 200 * i} ack 101 len 100`,
    )
    const { sides } = factsOf(
      `${exchange}\n${gaps.join('\n')}\n200 C > S [.] seq 101 ack 1501`,
      start,
    )
    expect(sides.server).toMatchObject({ payloadOctets: 800, missingOctets: 700 })
  })

  test('a keepalive probe is no retransmission; answered ones reset the count of unanswered', () => {
    const { sides } = factsOf(
      `${exchange}
       60000  C > S [.] seq 100 ack 201
       60010  S > C [.] seq 201 ack 101
       120000 C > S [.] seq 100 ack 201 len 1
       120010 S > C [.] seq 201 ack 101
       180000 C > S [.] seq 100 ack 201
       190000 C > S [.] seq 100 ack 201`,
      start,
    )
    expect(sides.client).toMatchObject({
      keepaliveProbes: 4,
      keepaliveUnanswered: 2,
      keepaliveIntervalMs: 10_000,
    })
    expect(sides.client.retransmissions).toEqual(none)
    expect(sides.server.duplicateAcks).toBe(0)
  })

  test('the same probe at a closed window is a zero-window probe', () => {
    const { sides } = factsOf(
      `${exchange}
       60   C > S [.] seq 101 ack 201 win 0
       260  S > C [.] seq 200 ack 101
       261  C > S [.] seq 101 ack 201 win 0
       660  S > C [.] seq 201 ack 101 len 1
       661  C > S [.] seq 101 ack 201 win 0
       1060 C > S [.] seq 101 ack 201 win 400
       1061 S > C [.] seq 201 ack 101 len 100`,
      start,
    )
    expect(sides.server).toMatchObject({
      zeroWindowProbes: 2,
      keepaliveProbes: 0,
      payloadOctets: 300,
    })
    expect(sides.server.retransmissions).toEqual(none)
    expect(sides.client.zeroWindow).toMatchObject({ times: 1, ms: 1000, openAtEnd: false })
    expect(sides.client.duplicateAcks).toBe(0)
  })

  test('the octet of a probe that was taken is neither missing nor lost', () => {
    const { sides } = factsOf(
      `${exchange}
       60  C > S [.] seq 101 ack 201 win 0
       260 S > C [.] seq 201 ack 101 len 1
       261 C > S [.] seq 101 ack 202 win 400
       270 S > C [.] seq 202 ack 101 len 99`,
      start,
    )
    expect(sides.server).toMatchObject({ payloadOctets: 300, missingOctets: 0 })
  })

  test('a window that is still closed at the end is said to be, a FIN that announces none closes none', () => {
    const open = factsOf(
      `${exchange}\n60 C > S [.] seq 101 ack 201 win 0\n560 S > C [.] seq 200 ack 101`,
      start,
    )
    expect(open.sides.client.zeroWindow).toMatchObject({ openAtEnd: true, ms: 500, firstFrame: 7 })
    const fin = factsOf(`${exchange}\n60 C > S [F.] seq 101 ack 201 win 0`, start)
    expect(fin.sides.client.zeroWindow.times).toBe(0)
  })

  test('octets acknowledged since the window last moved were not read', () => {
    const { sides } = factsOf(
      `${handshake}
       30 S > C [P.] seq 1 ack 1 len 100
       40 C > S [.]  seq 1 ack 101 win 400
       50 S > C [P.] seq 101 ack 1 len 200
       60 C > S [.]  seq 1 ack 301 win 200`,
      start,
    )
    expect(sides.client.unreadOctets).toBe(300)
    expect(sides.server.unreadOctets).toBe(0)
  })

  test('more than 2^31 octets in one direction keep their count and relative numbers', () => {
    const step = 0x3000_0000
    const lines = [0, 1, 2, 3, 4, 5].flatMap((i) => [
      `${100 + 20 * i} S > C [.] seq ${1 + i * step} ack 1 len ${step}`,
      `${110 + 20 * i} C > S [.] seq 1 ack ${1 + (i + 1) * step}`,
    ])
    const facts = factsOf(`${handshake}\n${lines.join('\n')}`, start)
    expect(facts.sides.server).toMatchObject({ payloadOctets: 6 * step, missingOctets: 0 })
    expect(facts.tail[facts.tail.length - 1]!.ack).toBe(1 + 6 * step)
  })
})

describe.each(starts)('silences, $name', (start) => {
  test('one that traffic went on after has been survived', () => {
    const facts = factsOf(
      `${exchange}
       300050 C > S [P.] seq 101 ack 201 len 10
       300060 S > C [P.] seq 201 ack 111 len 20`,
      start,
    )
    expect(facts.survivedSilenceMs).toBe(300_000)
    expect(facts.longestSilence).toMatchObject({ ms: 300_000, brokenBy: 'client', survived: true })
  })

  test('one that ended in a RST has not', () => {
    const facts = factsOf(
      `${exchange}
       300050 C > S [P.] seq 101 ack 201 len 10
       300060 S > C [R]  seq 201 win 0`,
      start,
    )
    expect(facts.survivedSilenceMs).toBe(0)
    expect(facts.longestSilence).toMatchObject({ ms: 300_000, survived: false })
    expect(facts.resets[0]).toMatchObject({ silenceBeforeMs: 300_000, afterTriggerMs: 10 })
  })

  test('one after which nobody answered has not', () => {
    const facts = factsOf(
      `${exchange}
       300050 C > S [P.] seq 101 ack 201 len 10
       300250 C > S [P.] seq 101 ack 201 len 10
       300650 C > S [P.] seq 101 ack 201 len 10
       301450 C > S [P.] seq 101 ack 201 len 10`,
      start,
    )
    expect(facts).toMatchObject({ ending: 'timed-out', survivedSilenceMs: 0 })
    expect(facts.longestSilence!.survived).toBe(false)
    expect(facts.sides.client.unanswered).toMatchObject({
      what: 'data',
      times: 4,
      len: 10,
      firstMs: 300_050,
    })
  })
})
