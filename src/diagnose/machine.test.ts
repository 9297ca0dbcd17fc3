import { describe, expect, test } from 'vitest'
import {
  address,
  connection,
  evidence,
  reset,
  segment,
  unanswered,
} from '../../test/helpers/facts.ts'
import { type MachineParts, machine } from '../../test/helpers/machine.ts'
import { causes } from '../causes/index.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { en } from '../messages/en/index.ts'
import { diagnose } from './diagnose.ts'

// A host beside packets, and hosts alone: how their accounts are joined.

const SERVER = address('10.77.2.2', 80)
const overflowing: MachineParts = {
  listeners: [{ depth: 6, limit: 5, drops: 30, pid: 77 }],
  listenersBefore: [{ depth: 6, limit: 5, drops: 0 }],
  counters: { TcpExtListenOverflows: [0, 30] },
}

function reportOf(parts: MachineParts, connections: readonly ConnectionFacts[] = []) {
  const facts: Evidence = { ...evidence({ connections }), machines: [machine(parts)] }
  return diagnose({
    evidence: facts,
    causes,
    catalogue: en,
    toolVersion: '0',
    sources: [],
    locate: (frame) => ({ source: 'capture', frame }),
    originNs: 0n,
    options: { listedLimit: 10 },
  })
}

function dropped(id: number, port = 80): ConnectionFacts {
  return unanswered({ id, server: address('10.77.2.2', port) })
}

describe('a host alone', () => {
  test('quiet: healthy, and what was looked at is told', () => {
    const report = reportOf({ sockets: [{ pid: 77 }], listeners: [{ pid: 77 }] })
    expect(report.verdict).toBe('healthy')
    expect(report.headline).toContain('web-1')
    expect(report.hosts).toMatchObject([{ name: 'web-1', states: { ESTABLISHED: 1 } }])
  })

  test('without events of the kernel nobody can say that all is well', () => {
    const report = reportOf({ sockets: [{}], listeners: [{ pid: 77 }], watched: false })
    expect(report.verdict).toBe('inconclusive')
    expect(report.headline).toMatch(/^Cannot say that all is well, resets, refused connects/)
  })

  test('rates, and what nothing keeps alive', () => {
    const idle = { tcpi_last_data_sent: 600_000, tcpi_last_data_recv: 700_000 }
    const far = { address: '10.77.3.3', port: 3306 }
    const report = reportOf({
      sockets: [
        { remote: far, local: { address: '10.77.2.2', port: 50_000 }, tcpInfo: idle },
        { remote: far, timer: { kind: 'keepalive', expiresMs: 1000 }, tcpInfo: idle },
        { remote: { address: '127.0.0.1', port: 1 }, tcpInfo: idle },
        { remote: far, tcpInfo: { ...idle, tcpi_last_data_sent: 1000 } },
      ],
      counters: { TcpPassiveOpens: [10, 3010], TcpOutSegs: [0, 300], TcpRetransSegs: [0, 3] },
    })
    expect(report.hosts?.[0]?.rates).toMatchObject({
      accepted: 1000,
      segmentsSent: 100,
      retransmitted: 1,
    })
    expect(report.hosts?.[0]?.unguarded).toMatchObject([
      { peer: '10.77.3.3:3306', connections: 1, longestIdleMs: 600_000 },
    ])
  })

  test('no socket seen: nothing is claimed', () => {
    expect(reportOf({}).verdict).toBe('inconclusive')
  })

  test('a finding names its process and counts what it is about', () => {
    const [finding] = reportOf({ ...overflowing, sockets: [{}] }).findings
    expect(finding).toMatchObject({
      cause: 'accept-queue-overflow',
      certainty: 'confirmed',
      culprit: { process: { pid: 77 } },
      affected: { connections: 30, what: 'connects' },
    })
    expect(finding?.because.map((b) => b.kind)).toEqual(
      expect.arrayContaining(['socket', 'counter']),
    )
  })
})

describe('a host beside packets', () => {
  test('the kernel settles what packets leave between a filter and a full queue', () => {
    const report = reportOf(
      overflowing,
      [0, 1, 2].map((id) => dropped(id)),
    )
    expect(report.findings.map((f) => f.cause)).toEqual(['accept-queue-overflow'])
    expect(report.findings[0]).toMatchObject({
      certainty: 'confirmed',
      affected: { connections: 3 },
    })
    const kinds = new Set(report.findings[0]?.because.map((b) => b.kind))
    expect(kinds).toContain('frame')
    expect(kinds).toContain('counter')
  })

  /** One SYN of a client of its own, which nothing answered. */
  function lone(id: number): ConnectionFacts {
    const { handshake, sides, ...parts } = dropped(id)
    return {
      ...parts,
      ending: 'open',
      client: address(`10.77.1.${id}`, 40_000),
      handshake: { ...handshake, syns: 1, synTimesMs: [0] },
      sides: { ...sides, client: { ...sides.client, packets: 1 } },
    }
  }

  test('as many SYNs of as many clients as a full queue dropped are no flood', () => {
    const sides = Array.from({ length: 120 }, (_, i) => lone(i + 1))
    const many = { ...overflowing, listeners: [{ depth: 6, limit: 5, drops: 130, pid: 77 }] }
    const counters = { TcpExtListenOverflows: [0, 130] } as const
    const report = reportOf({ ...many, counters, sockets: [{}] }, sides)
    expect(report.headline).not.toContain('flood')
    expect(report.unknown.map((u) => u.cause)).not.toContain('unexplained')
    const more = reportOf({ ...overflowing, sockets: [{}] }, sides)
    expect(more.unknown.map((u) => u.cause)).toContain('unexplained')
  })

  test('near miss: unanswered connects to another port stay what they are', () => {
    const report = reportOf(
      overflowing,
      [0, 1, 2].map((id) => dropped(id, 443)),
    )
    expect(report.findings.map((f) => f.cause)).toContain('accept-queue-overflow')
    expect(report.findings.length).toBeGreaterThan(1)
    const overflow = report.findings.find((f) => f.cause === 'accept-queue-overflow')
    expect(overflow?.because.map((b) => b.kind)).not.toContain('frame')
  })

  test('refused although a process listens and the kernel refused nobody: a filter', () => {
    const refused = connection({
      id: 1,
      server: address('10.77.2.2', 80),
      ending: 'refused',
      resets: [reset({ shape: 'syn-reply', trigger: null, frame: 5 })],
    })
    const report = reportOf({ listeners: [{ pid: 77 }], sockets: [{}] }, [refused])
    expect(report.findings.map((f) => [f.cause, f.certainty])).toEqual([
      ['firewall-reject', 'confirmed'],
    ])
    const nobody = reportOf({ sockets: [{}] }, [refused])
    expect(nobody.findings.map((f) => f.cause)).toEqual(['port-closed'])
  })

  test('a request that crossed the close is data after it to the kernel: what packets show stands, with the event', () => {
    const crossed = [0, 1, 2, 3].map((id) => {
      const at = 2005 + 300 * id
      const request = segment({ frame: 30, tMs: at, seq: 101, ack: 501, len: 80 })
      const fin = { frame: 31, tMs: at + 1, seq: 501, ackedMs: null, ackedFrame: null, times: 1 }
      const rst = reset({ frame: 32, tMs: at + 2, seq: 501, trigger: request })
      return connection({
        id,
        server: SERVER,
        ending: 'reset-after-fin',
        resets: [{ ...rst, silenceBeforeMs: 2000 }],
        tail: [request, rst],
        sides: {
          client: { lastDataMs: at },
          server: { fins: 1, fin, lastDataMs: 5 + 300 * id },
        },
        request: { startFrame: 30, startMs: at, lastFrame: 30, lastMs: at, octets: 80, seq: 101 },
        requestPending: true,
      })
    })
    const late = {
      local: { address: '10.77.2.2', port: 80 },
      reason: 'TCP_ABORT_ON_DATA',
      state: 'FIN-WAIT-2',
      answers: true,
    } as const
    const report = reportOf({ listeners: [{ pid: 77 }], events: [late, late] }, crossed)
    expect(report.findings[0]?.cause).toBe('keep-alive-race')
    expect(report.findings.map((f) => f.cause)).not.toContain('data-after-close')
    expect(report.findings[0]?.because.map((b) => b.kind)).toContain('kernel-event')
  })

  test('what only a host can tell is not asked of it again', () => {
    const asked = (r: ReturnType<typeof reportOf>) => r.unknown.map((u) => u.cause)
    expect(asked(reportOf({ sockets: [{}] }, [dropped(0)]))).not.toContain('descriptor-exhaustion')
  })
})

test('commands of a finding in another namespace enter it', () => {
  const elsewhere = { netns: { self: false, name: 'blue', pids: [77] } }
  const [finding] = reportOf({ ...overflowing, ...elsewhere, sockets: [{}] }).findings
  const verify = finding?.fix.map((f) => f.verify ?? '').join()
  expect(verify).toContain('sudo nsenter --net=/proc/77/ns/net sh -c')
})

describe('a host beside packets: not more certain than what was seen', () => {
  test('an unanswered SYN that the client sees twice, in its kernel and in packets, stays a guess', () => {
    const server = address('10.77.3.3', 80)
    const report = reportOf(
      {
        sockets: [0, 1, 2].map((i) => ({
          state: 'SYN-SENT',
          retransmits: 3,
          inode: 3000 + i,
          local: { address: '10.77.1.2', port: 40_000 + i },
          remote: { address: '10.77.3.3', port: 80 },
        })),
      },
      [0, 1, 2].map((id) => unanswered({ id, server })),
    )
    const [finding] = report.findings
    expect(finding).toMatchObject({ cause: 'connect-filtered', certainty: 'possible' })
    expect(finding?.because.map((b) => b.kind)).toEqual(expect.arrayContaining(['socket', 'frame']))
    expect(report.verdict).toBe('inconclusive')
  })
})

describe('resets that nobody explains', () => {
  const received = {
    kind: 'reset-received',
    event: 'tcp/tcp_receive_reset',
    state: 'ESTABLISHED',
    local: { address: '10.77.2.2', port: 50_000 },
    remote: { address: '10.77.3.3', port: 3306 },
  } as const

  test('a connection that this host had opened: inconclusive, and where to ask', () => {
    const report = reportOf({ sockets: [{}], events: [received] })
    expect(report.verdict).toBe('inconclusive')
    expect(report.headline).toContain('10.77.3.3:3306')
    expect(report.unknown[0]).toMatchObject({ cause: 'unexplained', connections: 1 })
    expect(report.unknown[0]?.ask).toContain('# on 10.77.3.3')
  })

  test('beside a mere remark: the headline still says what is not explained', () => {
    const late = {
      local: SERVER,
      remote: { address: '10.77.1.2', port: 40_000 },
      reason: 'TCP_TIMEWAIT_SOCKET',
      state: 'TIME-WAIT',
      answers: true,
    } as const
    const report = reportOf({ sockets: [{}], listeners: [{}], events: [received, late] })
    expect(report.findings.map((f) => f.severity)).toEqual(['notice'])
    expect(report.verdict).toBe('inconclusive')
    expect(report.headline).toContain('10.77.3.3:3306')
  })

  test('a client that resets: listed, no verdict', () => {
    const client = { ...received, local: SERVER, remote: { address: '10.77.1.2', port: 40_000 } }
    const report = reportOf({ sockets: [{}], listeners: [{ pid: 77 }], events: [client] })
    expect(report.verdict).toBe('healthy')
    expect(report.unknown).toHaveLength(1)
  })

  test('both ends are on this host: its own account is enough', () => {
    const sent = {
      kind: 'reset-sent',
      local: received.remote,
      remote: received.local,
      reason: 'TCP_ABORT_ON_CLOSE',
      state: 'CLOSED',
      pid: 77,
      answers: false,
    } as const
    const report = reportOf({ sockets: [{}], events: [sent, received] })
    expect(report.unknown).toEqual([])
    expect(report.findings.map((f) => f.cause)).toEqual(['close-with-unread-data'])
  })

  test('near miss: not known whether it was over', () => {
    const report = reportOf({ sockets: [{}], events: [{ ...received, state: null }] })
    expect(report.verdict).toBe('healthy')
    expect(report.unknown).toHaveLength(1)
  })

  test('near miss: our own FIN had been sent', () => {
    const after = { ...received, state: null, afterFin: true }
    expect(reportOf({ sockets: [{}], events: [after] }).unknown).toEqual([])
  })

  test('near miss: the exchange was over', () => {
    const report = reportOf({ sockets: [{}], events: [{ ...received, state: 'LAST-ACK' }] })
    expect(report.verdict).toBe('healthy')
  })
})

test('what packets show in two variants of one cause is joined once, in the variant of most, and counts each connection once', () => {
  const late = [1, 200, 600, 1400].map((tMs, i) =>
    segment({ frame: 4 + i, tMs, flags: 24, len: 100 }),
  )
  const ignored = connection({
    id: 9,
    ending: 'timed-out',
    handshake: { synAcks: 1, synAckAfterAck: 0 },
    requestPending: true,
    response: null,
    tail: late,
    sides: {
      server: { payloadOctets: 0, ackedOctets: 0, firstDataMs: null, lastDataMs: null },
      client: {
        ackedOctets: 0,
        inFlightOctets: 100,
        retransmissions: { rto: 3 },
        unanswered: {
          what: 'data',
          seq: 1,
          len: 100,
          firstFrame: 4,
          lastFrame: 7,
          firstMs: 2,
          lastMs: 1400,
          times: 4,
        },
      },
    },
  })
  const served = connection({ id: 8, ending: 'clean' })
  const report = reportOf(overflowing, [dropped(1), dropped(2), dropped(3), ignored, served])
  const queue = report.findings.filter((f) => f.cause === 'accept-queue-overflow')
  expect(queue).toHaveLength(1)
  expect(queue[0]).toMatchObject({ variant: 'syn-dropped', certainty: 'confirmed' })
  expect(queue[0]!.affected.connections).toBe(4)
  expect(queue[0]!.affected.connections).toBeLessThanOrEqual(queue[0]!.affected.of)
})
