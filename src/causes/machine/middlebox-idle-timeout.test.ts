import { describe, expect, test } from 'vitest'
import { type MachineParts, machine } from '../../../test/helpers/machine.ts'
import type { SocketFact } from '../../evidence/machine.ts'
import { judgeUnguarded } from './middlebox-idle-timeout.ts'

const TIMEOUT = 'net.netfilter.nf_conntrack_tcp_timeout_established'
const LOOSE = 'net.netfilter.nf_conntrack_tcp_loose'
const S = 1000

function idle(ms: number, of: Partial<SocketFact> = {}): Partial<SocketFact> {
  const info = { tcpi_last_data_sent: ms, tcpi_last_data_recv: ms, tcpi_last_ack_recv: ms }
  return { tcpInfo: info as NonNullable<SocketFact['tcpInfo']>, ...of }
}

function judged(sockets: readonly Partial<SocketFact>[], of: MachineParts = {}, loose = '1') {
  const settings = { [TIMEOUT]: '600', [LOOSE]: loose }
  const parts = { sockets, settings, conntrack: { count: 5, max: 100 }, ...of }
  return judgeUnguarded(machine(parts)).verdicts.map(({ certainty, severity, machine: m }) => [
    certainty,
    severity,
    m?.count,
  ])
}

const probe = (expiresMs: number) => ({ timer: { kind: 'keepalive', expiresMs } }) as const

describe('idle connections and the connection tracking of this host', () => {
  test.each<[string, readonly Partial<SocketFact>[], readonly unknown[]]>([
    ['no keepalive', [idle(400 * S), idle(500 * S)], [['possible', 'notice', 2]]],
    [
      'keepalive that comes too late',
      [idle(400 * S, probe(6800 * S))],
      [['possible', 'notice', 1]],
    ],
    ['near miss: keepalive in time', [idle(400 * S, probe(100 * S))], []],
    ['near miss: spoke a minute ago', [idle(60 * S)], []],
    ['near miss: on loopback', [idle(400 * S, { remote: { address: '127.0.0.1', port: 5 } })], []],
    ['near miss: of a source that does not tell when it spoke', [{}], []],
  ])('%s', (_, sockets, expected) => {
    expect(judged(sockets)).toEqual(expected)
  })

  test('near miss: probes of the other end are heard', () => {
    const heard = idle(400 * S)
    const info = { ...heard.tcpInfo, tcpi_last_ack_recv: 30 * S } as NonNullable<
      SocketFact['tcpInfo']
    >
    expect(judged([{ ...heard, tcpInfo: info }])).toEqual([])
  })

  test('near miss: nothing is tracked', () => {
    expect(judged([idle(400 * S)], { conntrack: { count: 0, max: 100 } })).toEqual([])
  })

  test('near miss: it remembers for five days', () => {
    expect(judged([idle(400 * S)], { settings: { [TIMEOUT]: '432000' } })).toEqual([])
  })

  test('strict tracking makes it likely', () => {
    expect(judged([idle(400 * S)], {}, '0')).toEqual([['likely', 'notice', 1]])
  })
})
