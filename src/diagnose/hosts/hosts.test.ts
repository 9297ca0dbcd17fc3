import { describe, expect, test } from 'vitest'
import { type MachineParts, machine } from '../../../test/helpers/machine.ts'
import { reportOf } from '../../app/diagnose-host.ts'
import type { MachineFacts, SocketFact } from '../../evidence/machine.ts'
import { formats } from '../../report/formats/index.ts'

const DATABASE = { address: '10.0.0.9', port: 3306 }
const CLIENT = '10.0.1.1'

function host(name: string, parts: MachineParts): MachineFacts {
  return { ...machine(parts), name, source: name }
}

/** CLOSE-WAIT that nobody closes, and connections to a database that does not answer. */
function leak(count: number): MachineParts['sockets'] {
  return Array.from({ length: count }, (_, i) => ({
    state: 'CLOSE-WAIT' as const,
    local: { address: '10.0.0.1', port: 8080 },
    remote: { address: CLIENT, port: 30_000 + i },
    inode: 2_000 + i,
    idiag_rqueue: 1,
    pid: 77,
  }))
}

function outgoing(sentMs: number, receivedMs: number, port: number): Partial<SocketFact> {
  return {
    local: { address: '10.0.0.1', port },
    remote: DATABASE,
    inode: port,
    tcpInfo: {
      tcpi_last_data_sent: sentMs,
      tcpi_last_data_recv: receivedMs,
      tcpi_bytes_acked: 100,
    },
  }
}

function incoming(port: number, timer: SocketFact['timer']): Partial<SocketFact> {
  return { local: { address: '10.0.0.1', port: 8080 }, remote: { address: CLIENT, port }, timer }
}

const listeners = [{ local: { address: '0.0.0.0', port: 8080 }, inode: 9, pid: 77 }]
const keepalive = { kind: 'keepalive', expiresMs: 5_000 } as const

function sick(name: string, count: number): MachineFacts {
  return host(name, {
    listeners,
    socketsBefore: leak(count) ?? [],
    sockets: [
      ...(leak(count) ?? []),
      outgoing(20_000, 60_000, 40_001),
      outgoing(30_000, 60_000, 40_002),
      outgoing(60_000, 59_000, 40_003),
      incoming(1, null),
    ],
    settings: { 'net.core.somaxconn': '128', 'net.ipv4.tcp_fin_timeout': '60' },
    counters: { TcpExtTCPTimeouts: [0, 100] },
  })
}

const well = host('web3', {
  listeners,
  sockets: [outgoing(60_000, 59_000, 40_001), incoming(2, keepalive), incoming(3, null)],
  settings: { 'net.core.somaxconn': '4096', 'net.ipv4.tcp_fin_timeout': '60' },
  counters: { TcpExtTCPTimeouts: [0, 1] },
})

describe('several hosts', () => {
  const report = reportOf([sick('web1', 60), sick('web2', 200), well])
  const { comparison, findings } = report

  test('the same cause is one finding, told of the worst host, with how many each has', () => {
    const found = findings.filter(({ cause }) => cause === 'close-wait-leak')
    expect(found).toHaveLength(1)
    expect(found[0]?.title).toMatch(/\(on web2; likewise on web1\)$/)
    expect(found[0]?.affected).toMatchObject({
      connections: 260,
      hosts: [
        { host: 'web2', connections: 200 },
        { host: 'web1', connections: 60 },
      ],
    })
    expect(new Set(found[0]?.because.map(({ source }) => source))).toEqual(
      new Set(['web1', 'web2']),
    )
  })

  test('who is sick and who is not', () => {
    expect([comparison?.sick, comparison?.healthy]).toEqual([['web1', 'web2'], ['web3']])
  })

  test('what parts the sick from the healthy, and nothing that is the same', () => {
    const parts = comparison!.differences.filter(({ separates }) => separates)
    expect(parts.map(({ what }) => what)).toEqual([
      'net.core.somaxconn',
      'CLOSE-WAIT',
      'TcpExtTCPTimeouts',
    ])
    expect(parts[0]?.values.map(({ value }) => value)).toEqual(['128', '128', '4096'])
    expect(comparison?.differences.map(({ what }) => what)).not.toContain(
      'net.ipv4.tcp_fin_timeout',
    )
  })

  test('the peer that all sick hosts wait for', () => {
    expect(comparison?.sharedPeers).toEqual([
      {
        peer: '10.0.0.9:3306',
        hosts: [
          { host: 'web1', connections: 3, waiting: 2, longestMs: 30_000 },
          { host: 'web2', connections: 3, waiting: 2, longestMs: 30_000 },
          { host: 'web3', connections: 1, waiting: 0, longestMs: 0 },
        ],
      },
    ])
  })

  test('how one client is spread over them, with its timers', () => {
    expect(comparison?.clients).toEqual([
      {
        client: CLIENT,
        hosts: [
          { host: 'web1', established: 1, timersOff: 1, keepalive: 0 },
          { host: 'web2', established: 1, timersOff: 1, keepalive: 0 },
          { host: 'web3', established: 2, timersOff: 1, keepalive: 1 },
        ],
      },
    ])
  })

  test.each(formats.map(({ id, render }) => ({ id, render })))('$id tells it', ({ render }) => {
    const text = [...render(report, { color: false, verbose: false })].join('').replace(/\s+/g, ' ')
    for (const word of ['10.0.0.9:3306', 'somaxconn', CLIENT]) expect(text).toContain(word)
  })
})

test('hosts that differ and are all well: differences, none of which parts anybody', () => {
  const other = host('web4', { listeners, settings: { 'net.core.somaxconn': '64' } })
  const { comparison, verdict } = reportOf([well, other])
  expect(verdict).toBe('healthy')
  expect(comparison?.sick).toEqual([])
  expect(comparison?.sharedPeers).toEqual([])
  expect(comparison?.differences.map((d) => [d.what, d.separates])).toContainEqual([
    'net.core.somaxconn',
    false,
  ])
})

test('a difference is none where one host cannot tell', () => {
  const silent = host('web5', { listeners })
  const { comparison } = reportOf([sick('web1', 60), silent])
  expect(comparison?.differences.map(({ what }) => what)).not.toContain('net.core.somaxconn')
})

test('one host is compared with nobody', () => {
  expect(reportOf([well]).comparison).toBeUndefined()
})

test('two hosts of one name are told apart', () => {
  const twin = { ...well, source: 'bundle-2' }
  const { comparison } = reportOf([{ ...well, source: 'bundle-1' }, twin])
  expect(comparison?.healthy).toEqual(['web3 (bundle-1)', 'web3 (bundle-2)'])
})
