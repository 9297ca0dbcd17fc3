import { expect, test } from 'vitest'
import { ACK, connection, SYN, segment } from '../../../test/helpers/facts.ts'
import type { Segment } from '../connection.ts'
import { splitHandshakeOf } from './syn-proxy.ts'

const syn = segment({ from: 'client', flags: SYN, seq: 0, len: 0 })
const synAck = (seq: number) => segment({ from: 'server', flags: SYN | ACK, seq, len: 0 })
const ack = segment({ from: 'client', flags: ACK, seq: 1, ack: 1, len: 0 })
const data = segment({ from: 'client', flags: ACK, seq: 1, ack: 1, len: 10 })

function split(...head: Segment[]) {
  const sides = { client: { isn: 5 }, server: { isn: 0xffff_ff00 } }
  return splitHandshakeOf(connection({ head, tail: [], sides }))
}

test('the SYN once more after the ACK, and another SYN-ACK', () => {
  expect(split(syn, synAck(0), ack, syn, synAck(1000))).toEqual({ near: 0xffff_ff00, far: 744 })
})

test.each([
  ['a handshake and a request', [syn, synAck(0), ack, data]],
  ['the SYN sent again before it was answered', [syn, syn, synAck(0), synAck(1000), ack]],
  ['the same SYN-ACK again', [syn, synAck(0), ack, syn, synAck(0)]],
  ['two SYN-ACKs for one SYN: two servers answer', [syn, synAck(0), ack, synAck(1000)]],
])('near miss: %s', (_, head) => {
  expect(split(...head)).toBeNull()
})
