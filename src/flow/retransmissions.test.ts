import { expect, test } from 'vitest'
import { AddressBook } from '../base/addresses.ts'
import { ACK, KIND_TCP, Packet, SYN } from '../packet/packet.ts'
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

function resent(all: readonly Sent[]) {
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
  analysis.finish()
  return finished[0]!.sides.server.retransmissions
}

function packetOf(sent: Sent, ends: { client: number; server: number }): Packet {
  const packet = new Packet()
  const isClient = sent.from === 'client'
  const [own, other] = isClient ? [CLIENT_ISN, SERVER_ISN] : [SERVER_ISN, CLIENT_ISN]
  const { flags = ACK, len = 0, tsVal, tsEcr } = sent
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
    optionsLen: 12,
    hasTimestamps: 1,
    tsVal,
    tsEcr,
  })
}
