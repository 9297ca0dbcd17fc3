import { expect, test } from 'vitest'
import { AddressBook } from '../base/addresses.ts'
import { ACK, FIN, KIND_TCP, Packet, SYN } from '../packet/packet.ts'
import { FlowAnalysis } from './analysis.ts'
import type { ConnectionFacts } from './facts.ts'

interface Sent {
  tMs: number
  from: 'client' | 'server'
  seq: number
  ack: number
  len?: number
  flags?: number
  tsVal: number
  tsEcr: number
  ipId?: number
}

const CLIENT_ISN = 0xffff_ff00 // its numbers cross 2^32 in the request
const SERVER_ISN = 5000
const handshake: Sent[] = [
  { tMs: 0, from: 'client', seq: 0, ack: 0, flags: SYN, tsVal: 100, tsEcr: 0 },
  { tMs: 4, from: 'server', seq: 0, ack: 1, flags: SYN | ACK, tsVal: 900, tsEcr: 100 },
  { tMs: 4.1, from: 'client', seq: 1, ack: 1, tsVal: 104, tsEcr: 900 },
  { tMs: 5, from: 'client', seq: 1, ack: 1, len: 300, tsVal: 105, tsEcr: 900 },
  { tMs: 10, from: 'server', seq: 1, ack: 301, len: 1000, tsVal: 910, tsEcr: 105 },
]
const again: Sent = { ...handshake[4]!, tMs: 300, tsVal: 1200 }

test('sent again for nothing: the acknowledgment echoes a time from before the repetition (RFC 3522)', () => {
  const late: Sent = { tMs: 301, from: 'client', seq: 301, ack: 1001, tsVal: 401, tsEcr: 910 }
  expect(resent([...handshake, again, late])).toMatchObject({ rto: 0, spurious: 1 })
})

test('lost: the acknowledgment echoes the repetition', () => {
  const real: Sent = { tMs: 305, from: 'client', seq: 301, ack: 1001, tsVal: 401, tsEcr: 1200 }
  expect(resent([...handshake, again, real])).toMatchObject({ rto: 1, spurious: 0 })
})

test('sent twice more and then acknowledged with an old echo: nobody can tell which of them was lost', () => {
  const third: Sent = { ...again, tMs: 700, tsVal: 1600 }
  const late: Sent = { tMs: 701, from: 'client', seq: 301, ack: 1001, tsVal: 801, tsEcr: 910 }
  expect(resent([...handshake, again, third, late])).toMatchObject({ rto: 2, spurious: 0 })
})

/** The server's answer in six segments, IP-IDs 10 to 15; the third comes `afterMs` after the last, as `late` says. */
function third(late: { ipId?: number; tsVal?: number }, afterMs: number): Sent[] {
  const answer = [0, 1, 2, 3, 4, 5].map(
    (i): Sent => ({ ...handshake[4]!, tMs: 10 + i / 100, seq: 1 + 1000 * i, ipId: 10 + i }),
  )
  const [overtaken] = answer.splice(2, 1)
  return [...handshake.slice(0, 4), ...answer, { ...overtaken!, tMs: 10.05 + afterMs, ...late }]
}

test.each([
  ['its IP-ID is the next one: sent again within 0.2 ms', { ipId: 16 }, 0.2, { fast: 1 }, 0],
  ['its IP-ID is that of its place: overtaken', {}, 0.2, {}, 1],
  ['its IP-ID is that of its place, and it is 30 ms late: overtaken', {}, 30, {}, 1],
  ['its timestamp is newer: sent again', { ipId: -1, tsVal: 911 }, 0.2, { fast: 1 }, 0],
  ['its timestamp is older: overtaken', { ipId: -1, tsVal: 909 }, 30, {}, 1],
  ['neither tells, and it comes within 3 ms: overtaken', { ipId: -1 }, 0.2, {}, 1],
  ['neither tells, and it comes after the round trip: sent again', { ipId: -1 }, 30, { rto: 1 }, 0],
] as const)('a hole is filled: %s', (_, late, afterMs, again, outOfOrder) => {
  const { retransmissions, outOfOrder: early } = serverOf(third(late, afterMs))
  expect(retransmissions).toEqual({ ...NONE, ...again })
  expect(early).toBe(outOfOrder)
})

test.each([
  ['neither tells: undecided', { ipId: -1 }, 1],
  ['its IP-ID is that of its place: decided', {}, 0],
  ['its timestamp is older: decided', { ipId: -1, tsVal: 909 }, 0],
] as const)('a hole that the receiver reported is filled soon: %s', (_, late, undecided) => {
  const all = third(late, 0.2)
  const report = {
    tMs: 10.06,
    from: 'client',
    seq: 301,
    ack: 2001,
    tsVal: 111,
    tsEcr: 910,
  } as const
  const reported = [...all.slice(0, -1), report, { ...report, tMs: 10.07 }, all.at(-1)!]
  expect(serverOf(reported)).toMatchObject({ outOfOrder: 1, undecided })
})

test('a hole that nobody reported is filled soon: nothing to decide', () => {
  expect(serverOf(third({ ipId: -1 }, 0.2))).toMatchObject({ outOfOrder: 1, undecided: 0 })
})

test.each([
  ['after a second, its answer in between', 1000, 1],
  ['at once, as after any answer', 15, 0],
] as const)(
  'a client that closes first, %s: kept for the length of its answer or not',
  (_, ms, kept) => {
    const close: Sent[] = [
      { tMs: ms, from: 'client', seq: 301, ack: 2001, flags: FIN | ACK, tsVal: 1100, tsEcr: 910 },
      {
        tMs: ms + 1,
        from: 'server',
        seq: 2001,
        ack: 302,
        flags: FIN | ACK,
        tsVal: 1900,
        tsEcr: 1100,
      },
      { tMs: ms + 2, from: 'client', seq: 302, ack: 2002, tsVal: 1102, tsEcr: 1900 },
    ]
    const answer = [handshake[4]!, { ...handshake[4]!, tMs: 11, seq: 1001 }]
    const clean = [...handshake.slice(0, 4), ...answer, ...close]
    expect(flowsOf(clean).kept).toHaveLength(kept)
  },
)

const NONE = { rto: 0, fast: 0, spurious: 0, syn: 0, synAck: 0, fin: 0 }

function resent(all: readonly Sent[]) {
  return serverOf(all).retransmissions
}

function serverOf(all: readonly Sent[]) {
  return flowsOf(all).all[0]!.sides.server
}

function flowsOf(all: readonly Sent[]) {
  const addresses = new AddressBook()
  const ends = {
    client: addresses.intern(0, 0, 0xffff, 1),
    server: addresses.intern(0, 0, 0xffff, 2),
  }
  const finished: ConnectionFacts[] = []
  const analysis = new FlowAnalysis({ addresses, onConnection: (facts) => finished.push(facts) })
  for (const [i, sent] of all.entries()) {
    analysis.segment(Object.assign(packetOf(sent, ends), { tNs: sent.tMs * 1e6, frame: i + 1 }))
  }
  return { all: finished, kept: analysis.finish().connections }
}

function packetOf(sent: Sent, ends: { client: number; server: number }): Packet {
  const packet = new Packet()
  const isClient = sent.from === 'client'
  const [own, other] = isClient ? [CLIENT_ISN, SERVER_ISN] : [SERVER_ISN, CLIENT_ISN]
  const { flags = ACK, len = 0, tsVal, tsEcr, ipId = -1 } = sent
  return Object.assign(packet, {
    kind: KIND_TCP,
    src: isClient ? ends.client : ends.server,
    dst: isClient ? ends.server : ends.client,
    srcPort: isClient ? 40_000 : 80,
    dstPort: isClient ? 80 : 40_000,
    seq: (own + sent.seq) | 0,
    ack: (flags & ACK) === 0 ? 0 : (other + sent.ack) | 0,
    flags,
    wnd: 500,
    dataLen: len,
    ttl: 64,
    ipId,
    optionsLen: 12,
    hasTimestamps: 1,
    tsVal,
    tsEcr,
  })
}
