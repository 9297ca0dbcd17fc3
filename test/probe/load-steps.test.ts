import { describe, expect, test } from 'vitest'
import { type LoadRequest, probeLoad } from '../../src/app/probe/index.ts'
import type { LoadStep } from '../../src/probe/load/report.ts'
import { tippingOf } from '../../src/probe/load/tipping.ts'
import type { ProbePort, SocketEvents } from '../../src/probe/port.ts'
import { loadText } from '../../src/report/probe/load-text.ts'
import { widthOf } from '../../src/report/wrap.ts'
import { cli } from '../cli/fake.ts'
import { pageText } from '../helpers/examples.ts'
import { VirtualWorld } from './virtual-world.ts'

// A server whose capacity is known: so many workers, each 20 ms a request, on a virtual clock. Four of them serve 200 a second.

const OK = new TextEncoder().encode('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
const SERVICE_MS = 20

interface Shape {
  workers: number
  /** More that wait are reset. */
  queue?: number
  /** The server closes after each answer. */
  closes?: boolean
  /** Of its time that this process computes. */
  busy?: number
}

function served({ workers, queue = Number.POSITIVE_INFINITY, closes, busy }: Shape) {
  const world = new VirtualWorld({
    limitMs: Infinity,
    flavour: 'fin',
    heedsKeepalive: true,
    rttMs: 1,
  })
  const base = world.port()
  const waiting: SocketEvents[] = []
  let working = 0
  const serve = (on: SocketEvents) => {
    working++
    base.after(SERVICE_MS, () => {
      working--
      const next = waiting.shift()
      if (next !== undefined) serve(next)
      on.data(closes ? closing : OK)
      if (closes) on.ended()
    })
  }
  const open: ProbePort['open'] = (options, on) => {
    base.after(1, () => on.connected())
    const write = () => {
      if (working < workers) serve(on)
      else if (waiting.length < queue) waiting.push(on)
      else base.after(1, () => on.closed({ code: 'ECONNRESET', syscall: 'read' }))
    }
    return {
      ...base.open(options, { ...on, connected() {}, data() {}, ended() {}, closed() {} }),
      write,
      close() {},
    }
  }
  const port = { ...base, open, ...(busy === undefined ? {} : { cpuMs: () => world.nowMs * busy }) }
  return { world, port }
}

const closing = new TextEncoder().encode(
  'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
)

function ask(shape: Shape, steps: number[], over: Partial<LoadRequest> = {}, stopAtMs = Infinity) {
  const { world, port } = served(shape)
  const request: LoadRequest = {
    target: 'http://127.0.0.1:80/',
    method: 'GET',
    keepAlive: true,
    concurrency: Math.max(...steps),
    steps,
    count: null,
    forMs: steps.length * 10_000,
    ratePerS: null,
    connectTimeoutMs: 5000,
    requestTimeoutMs: 5000,
    ...over,
  }
  const stop = new AbortController()
  if (stopAtMs !== Infinity) port.after(stopAtMs, () => stop.abort())
  return world.play(probeLoad(request, { stop: stop.signal }, port))
}

describe('where a server of known capacity tips', () => {
  test('four workers of 20 ms: from 4 on no more requests a second, and latency grows instead', async () => {
    const report = await ask({ workers: 4 }, [1, 2, 4, 8, 16])
    expect(report.tipping).toEqual({ is: 'reached', at: 4, by: 'server', failsFrom: null })
    const rates = report.steps!.map(({ answeredPerS }) => answeredPerS)
    for (const [i, rate] of [50, 100, 200, 200, 200].entries()) {
      expect(Math.abs(rates[i]! - rate), `${rates}`).toBeLessThan(3)
    }
    const p99 = report.steps!.map(({ latencyMs }) => latencyMs.corrected!.p99)
    for (const [i, ms] of [20, 20, 20, 40, 80].entries()) {
      expect(Math.abs(p99[i]! - ms), `${p99}`).toBeLessThan(2)
    }
    expect(report.conclusion).toMatch(
      /^From 4 on more concurrency gives no more requests\/s \(200, and 200 at 16\), and p99 goes from 2\d ms to 8\d ms\. [\d,]+ requests answered in 50 s, 0 failed\.$/,
    )
  })

  test('docs/probe.md shows it as it is told', async () => {
    const text = loadText(await ask({ workers: 4 }, [1, 2, 4, 8, 16]), { color: false })
    const shown = text.slice(0, text.indexOf('\nConnections'))
    expect(shown).toContain('From 4 on')
    expect(pageText('docs/probe.md')).toContain(`\`\`\`text\n${shown}\`\`\`\n`)
  })

  test('all steps are one report: sums, seconds one after the other, connections of their own', async () => {
    const report = await ask({ workers: 4 }, [1, 2, 4])
    const sum = (of: (step: LoadStep) => number) =>
      report.steps!.reduce((all, step) => all + of(step), 0)
    expect(report.requests.answered).toBe(sum(({ requests }) => requests.answered))
    expect(report.requests.begun).toBe(sum(({ requests }) => requests.begun))
    expect(report.latencyMs.measured?.count).toBe(report.requests.answered)
    expect(report.statuses).toEqual({ 200: report.requests.answered })
    expect(report.connections.opened).toBe(7)
    expect(report.spent.connections).toBe(7)
    const ats = report.samples.map(({ atMs }) => atMs)
    expect(ats).toEqual([...ats].sort((a, b) => a - b))
    expect(report.steps!.map(({ fromMs }) => Math.round(fromMs / 1000))).toEqual([0, 10, 20])
    expect(report.plan).toMatchObject({ atOnce: 4, connections: 30_000 })
  })

  test('none up to the last step; already at the first', async () => {
    const none = await ask({ workers: 100 }, [10, 20, 40, 80])
    expect(none.tipping).toMatchObject({ is: 'none', at: null })
    expect(none.conclusion).toMatch(
      /^No tipping point up to 80: requests\/s still grow \(2,000 at 40, 4,000 at 80\)|^No tipping point up to 80: requests\/s still grow \([\d,]+ at 40, [\d,]+ at 80\)/,
    )
    const first = await ask({ workers: 4 }, [8, 16])
    expect(first.tipping).toMatchObject({ is: 'reached', at: 8 })
    expect(first.conclusion).toContain(
      'That is the least that was tried: the tipping point may be below.',
    )
  })

  test('a queue that is full: what fails from where on', async () => {
    const report = await ask({ workers: 4, queue: 6 }, [4, 8, 16])
    expect(report.tipping).toMatchObject({ is: 'reached', at: 4, failsFrom: 16 })
    expect(report.conclusion).toMatch(
      /At 16 [\d.]+ % of the requests fail: reset before any answer\./,
    )
    expect(report.failures).toMatchObject([{ kind: 'receive-reset' }])
    expect(report.failures[0]!.examples[0]!.atMs).toBeGreaterThanOrEqual(20_000)
  })

  test('tcpwhy itself was busy: whose limit it is cannot be told', async () => {
    const report = await ask({ workers: 4, busy: 0.97 }, [4, 8, 16])
    expect(report.tipping).toMatchObject({ is: 'reached', at: 4, by: 'unknown' })
    expect(report.conclusion).toContain('this probe used 97 % of a core itself')
  })

  test('connections that are used up and Ctrl-C: the step that was cut short is not compared', async () => {
    const spent = await ask({ workers: 4, closes: true }, [2, 4, 8], { maxConnections: 3500 })
    expect(spent).toMatchObject({ usedUp: 'connections', spent: { connections: 3500 } })
    expect(spent.steps!.map(({ whole }) => whole)).toEqual([true, true, false])
    expect(spent.tipping).toMatchObject({ is: 'none' })
    const stopped = await ask({ workers: 4 }, [2, 4, 8], {}, 15_000)
    expect(stopped.steps!.map(({ whole }) => whole)).toEqual([true, false])
    expect(stopped).toMatchObject({ interrupted: true, tipping: { is: 'unclear', why: 'few' } })
    expect(stopped.conclusion).toContain('Where it tips cannot be told')
    expect(loadText(stopped, { color: false })).toContain(
      'At 4 the step did not last its whole time',
    )
  })

  test.each([100, 60])(
    'the table in %i columns: no line is longer, no word broken',
    async (columns) => {
      const report = await ask({ workers: 4, queue: 6 }, [4, 8, 16])
      const text = loadText(report, { color: false, columns })
      expect(text).toMatch(/at once {2}requests\/s/)
      expect(text).toMatch(/ 200 ± \d/)
      expect(Math.max(...text.split('\n').map(widthOf))).toBeLessThanOrEqual(columns)
      expect(text.replaceAll(/\s+/g, ' ')).toContain('reset before any answer')
    },
  )
})

const step = (
  concurrency: number,
  answeredPerS: number,
  over: Partial<LoadStep> = {},
): LoadStep => ({
  concurrency,
  fromMs: 0,
  durationMs: 1000,
  whole: true,
  requests: { begun: 1000, answered: 1000, failed: 0, unfinished: 0 },
  answeredPerS,
  errorPerS: 0,
  connectionsOpened: concurrency,
  failures: [],
  latencyMs: { measured: null, corrected: null },
  ownCpu: null,
  ...over,
})

describe('noise is no tipping point, and no growth', () => {
  test.each([
    ['a dip in the middle', [step(10, 100), step(20, 90), step(40, 400)], 'none', null],
    ['a tenth more is no growth', [step(10, 100), step(20, 109), step(40, 104)], 'reached', 10],
    ['more than a tenth is', [step(10, 100), step(20, 125), step(40, 127)], 'reached', 20],
    ['steps too close to each other', [step(10, 100), step(20, 200), step(22, 205)], 'unclear', 20],
    [
      'rates that are all over the place',
      [step(10, 100, { errorPerS: 40 }), step(20, 130, { errorPerS: 40 })],
      'unclear',
      10,
    ],
    [
      'the same of exact ones',
      [step(10, 100, { errorPerS: 4 }), step(20, 130, { errorPerS: 4 })],
      'none',
      null,
    ],
    ['less with more', [step(10, 100), step(20, 50), step(40, 20)], 'reached', 10],
    ['steps that were not answered', [step(10, 0), step(20, 0)], 'unclear', null],
    ['one step that was', [step(10, 100), step(20, 0)], 'unclear', null],
  ] as const)('%s', (_, steps, is, at) => {
    expect(tippingOf(steps)).toMatchObject({ is, at })
  })
})

test.each([
  ['10,20 -n 5', '--concurrency with several and --count exclude'],
  ['10,20 --rate 5', '--concurrency with several and --rate exclude'],
  ['20,10', '--concurrency 20,10 is not a list'],
  ['10,10', '--concurrency 10,10 is not a list'],
  ['10,,20', 'is not a list'],
  ['10,x', 'is not a list'],
  ['1e1,20', 'is not a list'],
  ['10,20001', 'is not a list'],
  ['10,20,30 --for 2s', 'Steps of less than 1 s tell nothing'],
])('--concurrency %s is refused', async (words, complaint) => {
  const { err, exitCode } = await cli(['probe', 'load', '127.0.0.1:1', '-c', ...words.split(' ')])
  expect(exitCode).toBe(2)
  expect(err).toContain(complaint)
})
