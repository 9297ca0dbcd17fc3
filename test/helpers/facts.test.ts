import { expect, test } from 'vitest'
import { connection, evidence, requestOnly, reset, unanswered } from './facts.ts'

test('facts: what a row leaves out follows from what it says', () => {
  const cut = connection({
    ending: 'reset',
    resets: [reset({ from: 'client', frame: 30, tMs: 300 })],
  })
  expect([cut.endedBy, cut.sides.client.resets, cut.lastFrame, cut.tail.length]).toEqual([
    'client',
    1,
    30,
    1,
  ])
})

test('facts: an override reaches one field and leaves its neighbours', () => {
  const c = connection({ sides: { server: { retransmissions: { rto: 3 } } } })
  expect(c.sides.server.retransmissions).toEqual({
    rto: 3,
    fast: 0,
    spurious: 0,
    syn: 0,
    synAck: 0,
    fin: 0,
  })
  expect(c.sides.server.payloadOctets).toBe(500)
})

test('facts: evidence counts endpoints and hosts from the connections', () => {
  const made = evidence({ connections: [connection(), unanswered(), requestOnly(true)] })
  expect(made.connections.map((c) => c.id)).toEqual([0, 1, 2])
  expect(made.endpoints.get('10.77.2.2:80')).toMatchObject({
    connections: 3,
    established: 2,
    served: 1,
    synRetried: 1,
    lastAnswerMs: 5,
  })
  expect(made.hosts.get('10.77.2.2')?.ttls).toEqual([{ ttl: 63, packets: 5 }])
})
