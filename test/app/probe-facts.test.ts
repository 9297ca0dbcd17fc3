import { describe, expect, test } from 'vitest'
import { factsOf } from '../../src/app/probe-facts.ts'
import type { Burst } from '../../src/probe/backlog/report.ts'
import type { Hops } from '../../src/probe/connect/report.ts'
import type { ProbeReport } from '../../src/probe/report.ts'

// From results to facts: what causes may weigh, and what says nothing.

const address = '10.77.2.2:80'
const facts = (report: object) => factsOf(report as ProbeReport, 'probe')

describe('probe connect', () => {
  const hops = (answered: Hops['answered'], answerHops: number | null) => ({
    routers: [],
    answered,
    answerTtl: null,
    answerHops,
  })
  const rst = (ttl: number) => ({ ttl, by: 'rst', from: '10.77.2.2' }) as const
  test.each([
    ['refused', null, { outcome: 'refused', refusedBy: null }],
    ['refused', hops(rst(3), 2), { outcome: 'refused', refusedBy: 'host' }],
    ['refused', hops(rst(3), 1), { outcome: 'refused', refusedBy: 'nearer' }],
    ['refused', hops(rst(3), null), { outcome: 'refused', refusedBy: null }],
    ['filtered', hops(null, null), { outcome: 'filtered', icmpFrom: null }],
    [
      'unreachable',
      hops({ ttl: 2, by: 'unreachable', from: '10.77.1.1' }, 1),
      { outcome: 'unreachable', icmpFrom: '10.77.1.1' },
    ],
    ['never-served', null, { outcome: 'never-served' }],
    ['connected', null, { outcome: 'taken' }],
    ['tls-failed', null, { outcome: 'tls-failed' }],
    ['closed-on-request', null, { outcome: 'closed-unserved' }],
    ['reset-on-request', null, { outcome: 'reset-unserved' }],
    ['served', hops({ ttl: 3, by: 'syn-ack', from: null }, 2), { refusedBy: null }],
  ])('%s, hops %j', (verdict, found, expected) => {
    const targets = [{ address, verdict, visit: { endedMs: 7 }, hops: found }]
    const [fact, ...more] = facts({ probe: 'connect', targets })
    expect(more).toEqual([])
    const ref = { kind: 'connect', endpoint: address, ref: 'targets[0]', lastedMs: 7 }
    expect(fact).toMatchObject({ ...ref, ...expected })
  })

  test.each(['no-local-resource', 'failed', 'a-later-verdict', 'constructor'])(
    '%s says nothing of the server',
    (verdict) => {
      const targets = [{ address, verdict, visit: { endedMs: 7 }, hops: null }]
      expect(facts({ probe: 'connect', targets })).toEqual([])
    },
  )
})

describe('probe backlog', () => {
  const burst = (connections: number, over: Partial<Burst> = {}): Burst => ({
    connections,
    answered: connections,
    failed: 0,
    failures: [],
    slowHandshakes: 0,
    slowestHandshakeMs: null,
    durationMs: 1,
    counted: null,
    ...over,
  })
  const failure = (kind: Burst['failures'][number]['kind'], count: number) => ({
    kind,
    count,
    onReused: 0,
    examples: [],
  })
  const counted = (over: object) => ({
    counted: { deepest: 5, drops: null, listenOverflows: 9, listenDrops: 9, ...over },
  })
  const failing = { answered: 90, failed: 10, failures: [failure('connect-timeout', 10)] }
  const rows: [string, Burst[], object][] = [
    ['all served', [burst(50), burst(100)], { tookAll: 100, hasLimit: false, overflows: null }],
    [
      'the larger fail',
      [burst(50), burst(100, { ...failing, slowHandshakes: 4 })],
      { tookAll: 50, hasLimit: true, connections: 100, troubles: { syn: 14, reset: 0, ack: 0 } },
    ],
    ['late handshakes alone', [burst(50), burst(100, { slowHandshakes: 4 })], { hasLimit: true }],
    [
      'failures everywhere',
      [burst(50, { answered: 49 }), burst(100, failing)],
      { hasLimit: false },
    ],
    [
      'failures that do not follow the size',
      [burst(25), burst(50, { answered: 49 }), burst(100)],
      { tookAll: 25, hasLimit: false },
    ],
    [
      'a burst that had no descriptors is left out',
      [burst(50), burst(100, { answered: 60, failures: [failure('no-descriptor', 40)] })],
      { connections: 50, tookAll: 50, hasLimit: false },
    ],
    ['drops of the listener', [burst(100, counted({ drops: 3 }))], { overflows: 9 }],
    ["another listener's overflows", [burst(100, counted({ drops: 0 }))], { overflows: 0 }],
    ['a full queue', [burst(100, counted({ deepest: 129 }))], { overflows: 9 }],
    ['a queue with room', [burst(100, counted({ deepest: 5 }))], { overflows: 0 }],
  ]
  test.each(rows)('%s', (_, bursts, expected) => {
    const listener = { local: address, limit: 128 }
    const found = facts({ probe: 'backlog', targets: [{ address }], bursts, listener })
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({ endpoint: address, kind: 'backlog', ...expected })
  })

  test('no burst, no fact', () => {
    const report = { probe: 'backlog', targets: [{ address }], bursts: [], listener: null }
    expect(facts(report)).toEqual([])
  })
})

test('probe http: when the server closed, and nothing where it was not tried', () => {
  const idle = { closedAfterMs: 5001, how: 'fin', waitedMs: 5001, kind: 'connect' }
  const race = ['answered', 'closed', 'reset', 'in-time'].map((outcome) => ({
    offsetMs: 1,
    outcome,
  }))
  const report = { probe: 'http', targets: [{ address }], idle, race, roundTripMs: 80 }
  expect(facts(report)).toEqual([
    {
      kind: 'http',
      source: 'probe',
      ref: 'idle',
      endpoint: address,
      closedAfterMs: 5001,
      how: 'fin',
      waitedMs: 5001,
      race: { tried: 4, lost: 2, roundTripMs: 80 },
      uploads: null,
    },
  ])
  expect(facts({ ...report, race: null })[0]).toMatchObject({ race: null })
  const uploads = ['kept', 'lost', 'reset', 'timeout', 'fin'].map((ended) => ({ ended }))
  const sent = { tried: 5, lost: 2, stuck: 1 }
  expect(facts({ ...report, uploads })[0]).toMatchObject({ uploads: sent })
  expect(facts({ ...report, idle: null })).toEqual([])
})

test('probe load: failures that causes know, with their place', () => {
  const failures = [
    { kind: 'response-eof', count: 2 },
    { kind: 'connect-timeout', count: 3 },
  ]
  const requests = { begun: 100 }
  const found = facts({ probe: 'load', targets: [{ address }], failures, requests })
  expect(found).toEqual([
    {
      kind: 'load',
      source: 'probe',
      ref: 'failures[1]',
      endpoint: address,
      failure: 'connect-timeout',
      count: 3,
      begun: 100,
    },
  ])
})
