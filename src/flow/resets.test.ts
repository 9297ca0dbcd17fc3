import { describe, expect, test } from 'vitest'
import { exchange, factsOf, handshake, starts } from '../../test/helpers/conversation.ts'

const rows = [
  { name: 'exactly next', rst: 'S > C [R.] seq 201 ack 101', accepted: true, ending: 'reset' },
  {
    name: 'in flight, not acknowledged yet',
    before: '55 S > C [P.] seq 201 ack 101 len 50',
    rst: 'S > C [R] seq 201 win 0',
    accepted: true,
    ending: 'reset',
  },
  {
    name: 'below what was acknowledged',
    rst: 'S > C [R] seq 100 win 0',
    accepted: false,
    ending: 'open',
  },
  {
    name: 'above what was seen: perhaps the capture lacks octets',
    rst: 'S > C [R] seq 901 win 0',
    accepted: 'unknown',
    ending: 'reset',
  },
  {
    name: 'far outside any window',
    rst: 'S > C [R] seq -1900000000 win 0',
    accepted: false,
    ending: 'open',
  },
]

describe.each(starts)('resets (RFC 5961), $name', (start) => {
  test.each(rows)('$name: accepted $accepted', ({ before = '', rst, accepted, ending }) => {
    const facts = factsOf(`${exchange}\n${before}\n60 ${rst}`, start)
    expect(facts.resets).toHaveLength(1)
    expect(facts.resets[0]!.accepted).toBe(accepted)
    expect(facts.ending).toBe(ending)
  })

  test('one below the FIN, from a socket that answers data after it closed', () => {
    const facts = factsOf(
      `${exchange}
       60 S > C [F.] seq 201 ack 101
       61 C > S [.]  seq 101 ack 202
       70 C > S [P.] seq 101 ack 202 len 10
       80 S > C [R]  seq 202 win 0`,
      start,
    )
    expect(facts.resets[0]).toMatchObject({ shape: 'stateless', accepted: true, seq: 202 })
    expect(facts.resets[0]!.trigger).toMatchObject({ frame: 9, len: 10 })
    expect(facts.ending).toBe('reset-after-fin')
  })

  test('one that both sides ignored did not end anything', () => {
    const facts = factsOf(
      `${exchange}
       60  S > C [R]  seq 201 win 0 ttl 200
       70  S > C [P.] seq 201 ack 101 len 50
       80  C > S [.]  seq 101 ack 251
       90  C > S [P.] seq 101 ack 251 len 10
       100 S > C [.]  seq 251 ack 111`,
      start,
    )
    expect(facts.ending).toBe('open')
    expect(facts.resets[0]).toMatchObject({ accepted: false, ttlUnusual: true, ttlUsual: 57 })
    expect(facts.sides.server.resets).toBe(1)
  })

  test('one whose IP-ID and timestamps do not fit its sender', () => {
    const facts = factsOf(
      `0  C > S [S]  seq 0 ts 10:0
       10 S > C [S.] seq 0 ack 1 ts 50:10
       20 C > S [.]  seq 1 ack 1 ts 11:50
       30 C > S [P.] seq 1 ack 1 len 10 ts 12:50
       40 S > C [.]  seq 1 ack 11 ts 60:12
       50 S > C [P.] seq 1 ack 11 len 10 ts 61:12
       60 S > C [P.] seq 11 ack 11 len 10 ts 62:12
       61 S > C [R]  seq 21 win 0 id 40000`,
      start,
    )
    expect(facts.resets[0]).toMatchObject({
      ipIdFits: false,
      timestampsKept: false,
      shape: 'stateless',
    })
  })

  test('text in a RST is no part of the stream', () => {
    const facts = factsOf(`${exchange}\n60 C > S [R.] seq 101 ack 201 len 13`, start)
    expect(facts.sides.client.payloadOctets).toBe(100)
    expect(facts.resets[0]!.len).toBe(13)
  })

  test('a RST goes before the other flags of a segment that has them all', () => {
    const facts = factsOf(`${handshake}\n30 S > C [FSRP.] seq 1 ack 1`, start)
    expect(facts.sides.server).toMatchObject({ resets: 1, fins: 0 })
    expect(facts.handshake.synAcks).toBe(1)
  })

  test('the same RST captured twice is one', () => {
    const facts = factsOf(
      `${exchange}
       55     S > C [P.] seq 201 ack 101 len 20
       60     C > S [R.] seq 101 ack 221 win 0
       60.002 C > S [R.] seq 101 ack 221 win 0 id same`,
      start,
    )
    expect(facts.sides.client.resets).toBe(1)
    expect(facts.duplicateFrames).toBe(1)
  })
})
