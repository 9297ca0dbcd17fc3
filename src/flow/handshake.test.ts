import { describe, expect, test } from 'vitest'
import {
  exchange,
  factsOf,
  flowsOf,
  handshake,
  starts,
  told,
} from '../../test/helpers/conversation.ts'

describe.each(starts)('the beginning of a connection, $name', (start) => {
  test('round trip, options and initial numbers come from the handshake', () => {
    const facts = factsOf(
      `0  C > S [S]  seq 0 ws 7 win 64240 ts 1:0
       10 S > C [S.] seq 0 ack 1 ws 9 win 65000 ts 2:1
       25 C > S [.]  seq 1 ack 1 win 500 ts 3:2`,
      start,
    )
    expect(facts.sawStart).toBe(true)
    expect(facts.handshake).toMatchObject({ rttMs: 25, syns: 1, synAcks: 1, ackFrame: 3 })
    expect(facts.sides.client).toMatchObject({ isn: start.client, windowScale: 7, mss: 1460 })
    expect(facts.sides.client.lastWindow).toBe(500 << 7)
    expect(facts.sides.server).toMatchObject({
      isn: start.server,
      windowScale: 9,
      timestamps: true,
    })
  })

  test('windows are scaled only when both sides offered it', () => {
    const facts = factsOf(
      `0  C > S [S]  seq 0 ws 7
       10 S > C [S.] seq 0 ack 1
       20 C > S [.]  seq 1 ack 1 win 500`,
      start,
    )
    expect(facts.sides.client.lastWindow).toBe(500)
  })

  test('SYNs and SYN-ACKs sent again are counted as such, with their times', () => {
    const facts = factsOf(
      `0    C > S [S]  seq 0
       1000 C > S [S]  seq 0
       1010 S > C [S.] seq 0 ack 1
       2030 S > C [S.] seq 0 ack 1
       2031 C > S [.]  seq 1 ack 1`,
      start,
    )
    expect(facts.handshake.synTimesMs).toEqual([0, 1000])
    expect(facts.handshake.synAckAfterAck).toBe(0)
    expect(facts.sides.client.retransmissions.syn).toBe(1)
    expect(facts.sides.server.retransmissions.synAck).toBe(1)
  })

  test('a SYN-ACK that comes again after the ACK: the server did not take the ACK', () => {
    const facts = factsOf(`${handshake}\n 1010 S > C [S.] seq 0 ack 1`, start)
    expect(facts.handshake.synAckAfterAck).toBe(1)
  })

  test('a SYN that the file has after its SYN-ACK belongs to the same connection', () => {
    const facts = factsOf(
      `0   S > C [S.] seq 0 ack 1
       0.2 C > S [S]  seq 0
       0.3 C > S [.]  seq 1 ack 1
       1   C > S [P.] seq 1 ack 1 len 10`,
      start,
    )
    expect(facts).toMatchObject({ sawStart: true, clientGuessed: false, ending: 'open' })
    expect(facts.sides.client).toMatchObject({ isn: start.client, payloadOctets: 10 })
  })

  test('a bare ACK as answer to a SYN is about an older connection, and the RST it draws ends nothing', () => {
    const facts = factsOf(
      `0    C > S [S]  seq 0
       1    S > C [.]  seq 700 ack -3000
       2    C > S [R]  seq -3000 win 0
       1000 C > S [S]  seq 0
       1010 S > C [S.] seq 0 ack 1
       1020 C > S [.]  seq 1 ack 1`,
      start,
    )
    expect(facts.handshake.answeredByAckFrame).toBe(2)
    expect(facts.ending).toBe('open')
    expect(facts.handshake.ackFrame).toBe(6)
  })

  test('data in a SYN counts, and is not sent twice when only the rest follows', () => {
    const facts = factsOf(
      `0  C > S [S]  seq 0 len 100
       10 S > C [S.] seq 0 ack 101
       20 C > S [P.] seq 101 ack 1 len 50`,
      start,
    )
    expect(facts.handshake.fastOpen).toBe(true)
    expect(facts.sides.client).toMatchObject({ payloadOctets: 150, missingOctets: 0 })
    expect(facts.sides.client.retransmissions).toMatchObject({ rto: 0, spurious: 0 })
  })

  test('ports used again make another connection, which knows how the first one ended', () => {
    const { connections } = flowsOf(
      told(
        `${exchange}
         60   C > S [F.] seq 101 ack 201
         70   S > C [F.] seq 201 ack 102
         80   C > S [.]  seq 102 ack 202
         5000 C > S [S]  seq 777777
         5010 S > C [S.] seq 888888 ack 777778
         5020 C > S [.]  seq 777778 ack 888889`,
        start,
      ),
    )
    expect(connections.map((c) => c.ending)).toEqual(['clean', 'open'])
    expect(connections[1]!.previous).toEqual({ ending: 'clean', lastMs: 80 })
    expect(connections[1]!.sides.client.packets).toBe(2)
  })

  test('from the middle: the lower port is taken for the server and that is marked as a guess', () => {
    const facts = factsOf(
      `0  S > C [P.] seq 1 ack 1 len 200
       10 C > S [.]  seq 1 ack 201`,
      start,
    )
    expect(facts).toMatchObject({ sawStart: false, clientGuessed: true })
    expect(facts.server.port).toBe(80)
    expect(facts.sides.server).toMatchObject({ payloadOctets: 200, missingOctets: 0, isn: null })
    expect(facts.sides.client.unreadOctets).toBeNull()
  })

  test('from the middle: octets before the first ones seen are counted when they come late', () => {
    const facts = factsOf(
      `0   S > C [P.] seq 301 ack 1 len 100
       0.5 S > C [.]  seq 1 ack 1 len 300
       10  C > S [.]  seq 1 ack 401`,
      start,
    )
    expect(facts.sides.server).toMatchObject({
      payloadOctets: 400,
      outOfOrder: 1,
      missingOctets: 0,
    })
  })

  test('from the middle: an ACK below the first octet seen tells of octets that are missing', () => {
    const facts = factsOf(
      `0  S > C [P.] seq 301 ack 1 len 100
       1  C > S [.]  seq 1 ack 1
       10 C > S [.]  seq 1 ack 401`,
      start,
    )
    expect(facts.sides.server).toMatchObject({ payloadOctets: 100, missingOctets: 300 })
  })
})
