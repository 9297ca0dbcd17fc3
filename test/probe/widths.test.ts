import { describe, expect, test } from 'vitest'
import { probeHttp, probeIdle } from '../../src/app/probe/index.ts'
import type { BacklogReport, Burst } from '../../src/probe/backlog/report.ts'
import type { ConnectReport } from '../../src/probe/connect/report.ts'
import { failureKinds } from '../../src/probe/load/failures.ts'
import { idle } from '../../src/probe/probes/idle.ts'
import type { Plan } from '../../src/probe/report.ts'
import { backlogText } from '../../src/report/probe/backlog-text.ts'
import { connectText } from '../../src/report/probe/connect-text.ts'
import { httpText } from '../../src/report/probe/http-text.ts'
import { idleText } from '../../src/report/probe/idle-text.ts'
import { planText } from '../../src/report/probe/plan-text.ts'
import { tableLines } from '../../src/report/probe/table.ts'
import { cli } from '../cli/fake.ts'
import { VirtualWorld } from './virtual-world.ts'

// Every report and plan in the width of the terminal: no line is longer, and what the wide one says the narrow one says, word by word.

const COLUMNS = [60, 72, 80, 100]

type Look = { color: boolean; columns?: number }

function fits(text: (look: Look) => string, copied = /(?!)/): void {
  const whole = wordsOf(text({ color: false, columns: 1000 }))
  for (const columns of COLUMNS) {
    const told = text({ color: false, columns })
    const long = told.split('\n').filter((line) => line.length > columns && !copied.test(line))
    expect(long, `${columns} columns`).toEqual([])
    expect(wordsOf(told), `${columns} columns`).toEqual(whole)
  }
  expect(text({ color: false })).toBe(text({ color: false, columns: 100 }))
}

/** Whatever their order: cells that do not fit beside the others stand below them. */
function wordsOf(text: string): string[] {
  return text
    .split(/\s+/)
    .map((word) => word.replace(/,$/, ''))
    .filter((word) => /[a-z]{2}/i.test(word) && !word.endsWith('|'))
    .sort()
}

const plan: Plan = {
  targets: ['vip (10.200.100.99:8080)'],
  connections: 12_345,
  requests: 98_765,
  octets: 10_000_000,
  atOnce: 300,
  perSecond: 40,
  sends: 'GET /checkalive, before and after each silence',
  deadlineMs: 36_000_000,
}

describe('in 60 to 100 columns', () => {
  test.each(['idle', 'connect', 'http', 'backlog', 'load'] as const)('the plan of %s', (probe) => {
    fits(({ columns }) => planText(probe, plan, columns))
    fits(({ columns }) => planText(probe, { ...plan, perSecond: null, requests: 0 }, columns))
  })

  test('idle: table, chart and what was assumed; settings stay whole, to be copied', async () => {
    const path = { rttMs: 1, heedsKeepalive: true, limitMs: 1_800_000, flavour: 'reset' } as const
    const world = new VirtualWorld({ ...path, ttl: { handshake: 62, ending: 63 } })
    const targets = ['a-long-name-of-a-target=10.0.0.9:80', 'server=10.0.0.21:80']
    const say = { is: 'http', path: '/' } as const
    const asked = { targets, maxMs: 3_600_000, precisionMs: 5000, keepalive: null, say }
    const report = await world.play(probeIdle(asked, {}, world.port()))
    const shown = report.advice.filter(({ speaks }) => speaks !== 'sql')
    const settings = shown.map(({ setting }) => setting)
    expect(settings.length).toBeGreaterThan(10)
    fits((look) => idleText({ ...report, advice: [] }, look))
    const told = idleText(report, { color: false, columns: 60 }).split('\n')
    for (const setting of settings) expect(told.some((line) => line.endsWith(setting))).toBe(true)
    const chart = told.filter((line) => line.endsWith('|'))
    expect(chart.length).toBeGreaterThan(3)
    expect(new Set(chart.map(({ length }) => length)).size).toBe(1)
    expect(idle.id).toBe(report.probe)
  })

  test('http: facts and the race', async () => {
    const path = { limitMs: 4000, flavour: 'fin', heedsKeepalive: false, rttMs: 50 } as const
    const world = new VirtualWorld(path)
    const asked = { target: 'http://127.0.0.1/', http: null, maxIdleMs: 5000, requests: 3 }
    const report = await world.play(
      probeHttp({ ...asked, timeoutMs: 3000, post: false }, {}, world.port()),
    )
    fits((look) => httpText(report, look))
  })

  test('backlog: with every way of failing and counters', () => {
    const failures = failureKinds.map((kind) => ({ kind, count: 1234, onReused: 0, examples: [] }))
    const counted = { deepest: 4096, drops: 10_000, listenOverflows: 10_000, listenDrops: 10_000 }
    const burst: Burst = {
      connections: 10_000,
      answered: 10_000,
      failed: 10_000,
      failures,
      slowHandshakes: 10_000,
      slowestHandshakeMs: 1234,
      durationMs: 1,
      counted,
    }
    const listener = { local: '10.200.100.99:8080', limit: 4096 }
    const conclusion = 'With ten thousand connections at once requests failed.'
    const report = { conclusion, bursts: [burst], listener, isHere: true } as unknown
    fits((look) => backlogText(report as BacklogReport, look))
  })

  test('connect: steps with TLS, hops, what is missing', () => {
    const tls = {
      protocol: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      alpn: 'http/1.1',
      subject: 'checkout.shop.internal.example.com',
      validTo: 'Nov 30 12:00:00 2027 GMT',
      refusal: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    }
    const states = ['opened', 'connected', 'secured', 'sent', 'last-byte', 'ended'].map((step) => ({
      step,
      atMs: 1234.5,
      state: 'ESTABLISHED',
    }))
    const response = {
      status: 200,
      bodyOctets: 12_345,
      keepAlive: true,
      timeoutS: 20,
      maxRequests: 100,
    }
    const visit = {
      states,
      tls,
      response,
      retransmittedMs: [1, 2],
      acknowledgedMs: 3,
      failure: 'receive-timeout',
    }
    const routers = [{ ttl: 1, from: '2001:db8:1234:5678:9abc:def0:1234:5678', ms: 12 }]
    const answered = { ttl: 2, from: null, by: 'unreachable' }
    const target = { address: '[2001:db8::9]:443', visit, hops: { routers, answered } }
    const dns = { ms: 12, addresses: ['2001:db8:1234:5678:9abc:def0:1234:5678', '10.200.100.99'] }
    const missing = ['Who answers, and how far SYNs get: that takes root, and no --no-walk']
    const report = { conclusion: 'It works.', dns, targets: [target], missing } as unknown
    fits((look) => connectText(report as ConnectReport, look))
  })

  test('the plan and the result are as wide as the terminals that show them', async () => {
    const words = ['probe', 'connect', '127.0.0.1:1', '--no-walk']
    const stream = { isTerminal: async () => false, columns: async () => 60 }
    const told = { out: '', err: '' }
    const to = (name: 'out' | 'err') => ({
      ...stream,
      write: async (piece: string | Uint8Array) => {
        told[name] += piece
      },
    })
    await cli(words, undefined, { out: to('out'), err: to('err') })
    for (const text of Object.values(told)) {
      const lengths = text.split('\n').map(({ length }) => length)
      expect(Math.max(...lengths)).toBeLessThanOrEqual(60)
      expect(Math.max(...lengths)).toBeGreaterThan(40)
    }
  })
})

test('a table that is too wide: a last column of text is wrapped, others go below', () => {
  const head = ['a', 'number', 'text']
  const row = ['first', '12', 'some words that are longer than all the room']
  expect(tableLines(head, [row, ['x', '3', '']], { right: [1], columns: 42 })).toEqual([
    '  a      number  text',
    '  first      12  some words that are',
    '                 longer than all the room',
    '  x           3',
  ])
  expect(tableLines(head, [row, ['x', '3', '']], { right: [1], columns: 30 })).toEqual([
    '  a      number',
    '      text',
    '  first      12',
    '      some words that are',
    '      longer than all the room',
    '  x           3',
  ])
})
