import { expect, test } from 'vitest'
import type { SocketFact } from './facts.ts'
import { peersOf } from './peers.ts'

function socket(local: number, remote: string, more: Partial<SocketFact> = {}): SocketFact {
  const [address = '', port] = remote.split(':')
  return {
    state: 'ESTABLISHED',
    local: { address: '10.0.0.1', port: local },
    remote: { address, port: Number(port) },
    idiag_rqueue: 0,
    ...more,
  } as SocketFact
}

test('accepted ones by host, opened ones by host and port; others are elsewhere', () => {
  const table = new Map([
    [1, socket(443, '10.0.0.7:5001', { state: 'CLOSE-WAIT', idiag_rqueue: 10 })],
    [2, socket(443, '10.0.0.7:5002', { state: 'CLOSE-WAIT', idiag_rqueue: 1 })],
    [3, socket(443, '10.0.0.8:5001')],
    [4, socket(40_000, '10.0.0.9:3306')],
    [5, socket(443, '0.0.0.0:0', { state: 'LISTEN' })],
  ])
  const { peers, elsewhere } = peersOf([1, 2, 3, 4, 5, 77], table, new Set([443]))
  expect(elsewhere).toBe(1)
  expect(peers).toEqual([
    {
      peer: { address: '10.0.0.7', port: 0 },
      served: 443,
      sockets: 2,
      byState: { 'CLOSE-WAIT': 2 },
      unread: 11,
    },
    {
      peer: { address: '10.0.0.8', port: 0 },
      served: 443,
      sockets: 1,
      byState: { ESTABLISHED: 1 },
      unread: 0,
    },
    {
      peer: { address: '10.0.0.9', port: 3306 },
      served: null,
      sockets: 1,
      byState: { ESTABLISHED: 1 },
      unread: 0,
    },
  ])
})
