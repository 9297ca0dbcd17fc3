import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type IdleRequest, probeIdle } from '../../src/app/probe/index.ts'
import type { IdleReport, IdleRun } from '../../src/probe/idle/report.ts'
import { type VirtualPath, VirtualWorld } from './virtual-world.ts'

// The whole experiment on a virtual clock: hours pass at once, and the truth is known. The real thing is test/live/probe.

const HTTP: IdleRequest['say'] = { is: 'http', path: '/' }

async function probe(path: Partial<VirtualPath>, over: Partial<IdleRequest> = {}) {
  const world = new VirtualWorld({
    limitMs: 10_000,
    flavour: 'silent',
    heedsKeepalive: true,
    rttMs: 1,
    ...path,
  })
  const request: IdleRequest = {
    targets: ['10.0.0.9:80'],
    maxMs: 60_000,
    precisionMs: 500,
    keepalive: null,
    say: HTTP,
    ...over,
  }
  const report = await world.play(probeIdle(request, {}, world.port()))
  return { report, world }
}

function run(report: IdleReport, keepalive: RegExp, traffic: IdleRun['traffic'] = 'none'): IdleRun {
  const found = report.targets[0]!.runs.find(
    (r) => keepalive.test(r.keepalive) && r.traffic === traffic,
  )
  if (found === undefined) throw new Error(`no run ${keepalive} ${traffic}`)
  return found
}

describe('any limit, any way of dying', () => {
  const path = fc.record({
    limitMs: fc.integer({ min: 1050, max: 58_000 }),
    flavour: fc.constantFrom('reset', 'silent', 'fin'),
    byItself: fc.boolean(),
    heedsKeepalive: fc.boolean(),
    rttMs: fc.integer({ min: 0, max: 30 }),
    say: fc.constantFrom(HTTP, null, { is: 'octet' } as const),
  })

  test('is found to the precision, in time, and what keeps it alive with it', async () => {
    await fc.assert(
      fc.asyncProperty(path, async ({ say, ...drawn }) => {
        const byItself = drawn.flavour === 'fin' || (drawn.flavour === 'reset' && drawn.byItself)
        const { report, world } = await probe({ ...drawn, byItself }, { say })
        const plain = run(report, /^off$/)
        expect(plain.longestSurvivedMs).toBeLessThan(drawn.limitMs)
        expect(plain.shortestDiedMs).toBeGreaterThanOrEqual(drawn.limitMs)
        expect(plain.shortestDiedMs! - plain.longestSurvivedMs).toBeLessThanOrEqual(500)
        expect(plain.flavour).toBe(drawn.flavour)
        expect(report.decided).toBe(true)
        expect(world.nowMs).toBeLessThanOrEqual(2.5 * drawn.limitMs + 3 * 500 + 5000)
        expect(report.spent.connections).toBeLessThanOrEqual(report.plan.connections!)
        if (drawn.limitMs > 3000) {
          const kept = run(report, /\//)
          expect(kept.shortestDiedMs === null).toBe(drawn.heedsKeepalive)
        }
        if (say !== null) expect(run(report, /^off$/, 'heartbeat').shortestDiedMs).toBeNull()
      }),
      { numRuns: 150 },
    )
  })
})

describe('incident 4: a VIP that forgets after 1800 s', () => {
  test('is found within two ladders, to 5 s, with a keepalive of 60/60/5 that helps', async () => {
    const { report, world } = await probe(
      { limitMs: 1_800_000, flavour: 'reset', ttl: { handshake: 62, ending: 63 } },
      {
        maxMs: 3_600_000,
        precisionMs: 5000,
        keepalive: { idleS: 60, intervalS: 60, count: 5 },
      },
    )
    const plain = run(report, /^off$/)
    expect(plain.longestSurvivedMs).toBeGreaterThanOrEqual(1_794_000)
    expect(plain.shortestDiedMs).toBeLessThanOrEqual(1_806_000)
    expect(plain).toMatchObject({ flavour: 'reset', by: 'middlebox' })
    expect(run(report, /^60\/60\/5$/).shortestDiedMs).toBeNull()
    expect(world.nowMs).toBeLessThan(2.5 * 1_800_000)
    expect(report.conclusion).toMatch(/^A hop between you and 10\.0\.0\.9:80 forgets connections/)
    expect(report.conclusion).toContain('TCP keepalive (60/60/5) resets its clock.')
    const settings = report.advice.map(({ setting }) => setting).join('\n')
    expect(settings).toContain('net.ipv4.tcp_keepalive_time=60')
    expect(settings).toMatch(/IdleConnTimeout: 143\d \* time.Second/)
  })
})

describe('who ended it', () => {
  test.each([
    ['fin', { handshake: 63, ending: 63 }, true, 'server'],
    ['fin', { handshake: 63, ending: 64 }, true, 'middlebox'],
    ['reset', { handshake: 63, ending: 63 }, true, 'server'],
    ['reset', { handshake: 63, ending: 63 }, false, 'unknown'],
    ['reset', { handshake: 63, ending: 64 }, false, 'middlebox'],
    ['silent', { handshake: 63, ending: 63 }, false, 'middlebox'],
  ] as const)('%s, TTLs %j, by itself %s: %s', async (flavour, ttl, byItself, by) => {
    const { report } = await probe({ flavour, ttl, byItself })
    expect(run(report, /^off$/).by).toBe(by)
  })
})

test('no limit up to --max is said to be none up to there', async () => {
  const { report, world } = await probe({ limitMs: Number.POSITIVE_INFINITY })
  expect(report.decided).toBe(true)
  expect(report.conclusion).toMatch(
    /no limit up to 1 min|no limit up to 59\.\d+ s|no limit up to 60 s/,
  )
  expect(report.advice).toEqual([])
  expect(world.nowMs).toBeLessThan(60_000 + 5000)
})

test('what the server says just before it closes begins no new silence', async () => {
  const lastWords = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n'
  const { report } = await probe({ limitMs: 20_000, flavour: 'fin', lastWords }, { say: null })
  const plain = run(report, /^off$/)
  expect(plain.longestSurvivedMs).toBeLessThan(20_000)
  expect(plain.longestSurvivedMs).toBeGreaterThan(19_000)
  expect(plain).toMatchObject({ flavour: 'fin', by: 'server' })
})

test('a server that says why it closes did not close because of the octets that it was sent before', async () => {
  // As PostgreSQL with idle_session_timeout, by --send of its StartupMessage.
  const path = { limitMs: 8000, flavour: 'fin', byItself: true, lastWords: 'E...57P05' } as const
  const { report } = await probe(path, { say: { is: 'octet' } })
  const plain = run(report, /^off$/)
  expect(plain.longestSurvivedMs).toBeGreaterThan(7000)
  expect(plain.longestSurvivedMs).toBeLessThan(8000)
  expect(plain).toMatchObject({ flavour: 'fin', by: 'server' })
})

test('answers that get lost are no limit: what died of less than another survived is told apart', async () => {
  const { report } = await probe({ limitMs: 30_000, loses: (n) => n === 3 })
  const plain = run(report, /^off$/)
  expect(plain.longestSurvivedMs).toBeGreaterThan(29_000)
  expect(plain.longestSurvivedMs).toBeLessThan(30_000)
  expect(plain.shortestDiedMs).toBeGreaterThanOrEqual(30_000)
})

test('a target that refuses is no limit either', async () => {
  const { report, world } = await probe({ refuses: true })
  expect(report.decided).toBe(false)
  expect(report.conclusion).toContain('cannot tell')
  expect(report.conclusion).toContain('refused')
  expect(run(report, /^off$/)).toMatchObject({ shortestDiedMs: null, longestSurvivedMs: 0 })
  expect(world.nowMs).toBeLessThan(10_000)
})

describe('a target that stops while connections are silent', () => {
  const never = { limitMs: Number.POSITIVE_INFINITY }

  test.each([300, 3000])('and is back after %s ms has no limit', async (backMs) => {
    const stops = { atMs: 8000, untilMs: 8000 + backMs }
    const { report } = await probe({ ...never, stops })
    expect(report.conclusion).toContain('no limit up to')
    expect(report).toMatchObject({ decided: true, advice: [] })
  })

  test.each([17_000, Number.POSITIVE_INFINITY])(
    'and is back at %s ms or never: what died with it is not called a limit',
    async (untilMs) => {
      const stops = { atMs: 8000, untilMs }
      const { report, world } = await probe({ ...never, stops })
      expect(report.conclusion).toContain('stopped or restarted')
      expect(report).toMatchObject({ decided: false, advice: [] })
      expect(world.nowMs).toBeLessThan(30_000)
      expect(report.spent.connections).toBeLessThanOrEqual(report.plan.connections!)
    },
  )
})

test.each([
  [10_000, false],
  [10_000, true],
  [55_000, false],
])(
  'keepalive against a limit of %s ms, heeded: %s, is told as the table has it',
  async (limitMs, heedsKeepalive) => {
    const { report } = await probe({ limitMs, flavour: 'fin', heedsKeepalive })
    const helps = run(report, /\//).shortestDiedMs === null
    expect(helps).toBe(heedsKeepalive)
    expect(/TCP keepalive \(.*\) resets its clock/.test(report.conclusion)).toBe(helps)
    expect(/TCP keepalive \(.*\) does not help/.test(report.conclusion)).toBe(!helps)
  },
)

test('Ctrl-C says what is known by then', async () => {
  const world = new VirtualWorld({
    limitMs: 1_000_000,
    flavour: 'silent',
    heedsKeepalive: true,
    rttMs: 1,
  })
  const stop = new AbortController()
  const port = world.port()
  port.after(100_000, () => stop.abort())
  const request: IdleRequest = {
    targets: ['10.0.0.9:80'],
    maxMs: 3_600_000,
    precisionMs: 5000,
    keepalive: null,
    say: HTTP,
  }
  const report = await world.play(probeIdle(request, { stop: stop.signal }, port))
  expect(report).toMatchObject({ interrupted: true, decided: false })
  expect(run(report, /^off$/).longestSurvivedMs).toBeGreaterThan(80_000)
  expect(report.conclusion).toContain('were survived')
})
