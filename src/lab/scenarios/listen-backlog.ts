import { startNginx } from '../servers/nginx.ts'
import { failures, failuresOf, type LoadCounts, sumOf } from '../stage/load.ts'
import type { Stage } from '../stage/stage.ts'
import { atMost } from '../stage/wait.ts'
import type { Outcome, Scenario, Table } from '../types.ts'

/** How long nginx's worker does not run after the last request of a burst: a blocking disk, a stolen CPU. Less than the time-out. */
const STALL_MS = 100
/** For a full queue to be shown by the old tools; the client's time-out is far. */
const SHOWN_MS = 300
/** Retransmitted data finds room after 0.2, 0.6 or 1.4 s: the last is too late for such a client. */
const LONG_STALL_MS = 700
/** The incident's client gives up after this. */
const TIMEOUT_MS = 1000
const BACKLOGS = [10, 30, 511, 4096] as const
const BURSTS = [200, 1000, 6000] as const
/** With the fix; somaxconn is 65,535 on the stage, as it was high in the incident. */
const ENOUGH = 262_144

const expects = {
  verdict: 'problem',
  cause: 'accept-queue-overflow',
  // One side alone: SYNs that vanish, requests that nobody answers.
  shallower: ['connect-filtered', 'client-timeout', 'server-stalled'],
} as const

export const listenBacklog: Scenario = {
  id: 'listen-backlog',
  title: "The listener's backlog is too short for bursts",
  kind: 'incident',
  packages: ['nginx-light'],
  signals: [
    'server accept queue',
    'server TcpExtListenOverflows',
    'client SYN-SENT',
    'failed requests',
  ],
  variants: [
    {
      id: 'nginx-511',
      title: 'nginx with its own default, bursts of 800 while its worker stands still',
      expects: { ...expects, variant: 'syn-dropped' },
      fault:
        'nginx listens without backlog=, so with 511; its worker stands still (SIGSTOP) during each burst and 0.1 s after it.',
      fix: `listen 80 backlog=${ENOUGH}, with net.core.somaxconn above it.`,
    },
    {
      id: 'table',
      title: 'Backlog 10, 30, 511, 4096 against bursts of 200, 1,000 and 6,000',
      expects: { ...expects, variant: 'syn-dropped' },
      fault: 'As nginx-511, for twelve pairs of backlog and burst, one after another.',
      fix: `The same bursts with backlog=${ENOUGH}.`,
    },
    {
      id: 'abort-on-overflow',
      title: 'tcp_abort_on_overflow 1: an overflow at the ACK is a reset',
      expects: { ...expects, variant: 'reset' },
      fault:
        'backlog=10, net.ipv4.tcp_abort_on_overflow=1 and 5 ms of way, so that many handshakes are under way at once.',
      fix: `listen 80 backlog=${ENOUGH}.`,
    },
    {
      id: 'syn-cookies',
      title: 'SYN cookies in use: the last ACK is dropped and nothing repeats it',
      expects: { ...expects, variant: 'cookie-ack-dropped' },
      fault: 'backlog=10, net.ipv4.tcp_syncookies=2 and 5 ms of way.',
      fix: `listen 80 backlog=${ENOUGH}.`,
    },
    {
      id: 'slow-accept',
      title: 'An application that accepts slowly',
      expects: { ...expects, variant: 'syn-dropped' },
      fault:
        'A server with listen(16) takes 40 ms for each accept() while 60 connections come each second.',
      fix: 'It accepts at once, does its work elsewhere, and calls listen(512).',
    },
  ],
  reproduce: (stage, variant) => play(stage, variant, false),
  fix: (stage, variant) => play(stage, variant, true),
}

async function play(stage: Stage, variant: string, fixed: boolean): Promise<Outcome> {
  if (variant === 'slow-accept') return slowAccept(stage, fixed)
  if (variant === 'table') return table(stage, fixed)
  return bursts(stage, variant, fixed)
}

/** A path with some delay has many handshakes under way at once; without it each is done before the next. */
async function bursts(stage: Stage, variant: string, fixed: boolean): Promise<Outcome> {
  await stage.lay('client', 'server')
  const overflow = {
    'abort-on-overflow': 'tcp_abort_on_overflow',
    'syn-cookies': 'tcp_syncookies',
  }[variant]
  if (overflow !== undefined) {
    await stage.relay(5)
    await stage.server.sysctl({ [`net.ipv4.${overflow}`]: variant === 'syn-cookies' ? 2 : 1 })
  }
  const backlog = fixed ? ENOUGH : overflow === undefined ? undefined : 10
  const { worker } = await startNginx(stage, stage.server, backlog === undefined ? {} : { backlog })
  await stage.tapEnds({ snap: 96 })
  const rounds = overflow === undefined ? 3 : 6
  const plan = overflow === undefined ? [{ atMs: 100, count: 800 }] : FEW_THEN_MANY
  const stallMs = overflow === undefined ? STALL_MS : LONG_STALL_MS
  const size = plan.reduce((all, { count }) => all + count, 0)
  stage.step(
    `nginx with backlog ${backlog ?? '511 (its default)'}; ${rounds} bursts of ${size} connections`,
  )
  const counts: LoadCounts[] = []
  markOverflow(stage)
  for (let round = 0; round < rounds; round++) {
    if (round === 0) stage.look()
    await burst(stage, worker, { port: 80, bursts: plan, stallMs, counts })
    await quiet(stage)
  }
  return outcome(
    stage,
    sumOf(counts),
    `${rounds} bursts of ${size} against backlog ${backlog ?? 511}`,
  )
}

/** Six fill most of the queue of 11; of 11 more at the same moment all get a SYN-ACK, and five find room. */
const FEW_THEN_MANY = [
  { atMs: 100, count: 6 },
  { atMs: 250, count: 11 },
]

function markOverflow(stage: Stage): void {
  stage.markWhen(
    'the accept queue is full: SYNs are dropped',
    (s) => (s['server TcpExtListenOverflows'] ?? 0) > 0,
  )
}

interface Burst {
  port: number
  bursts: readonly { atMs: number; count: number }[]
  stallMs: number
  /** Of the bursts before it; what it came to is added. */
  counts: LoadCounts[]
}

/** The worker stands still from before the burst until a moment after its last request. */
async function burst(
  stage: Stage,
  worker: number,
  { port, bursts, stallMs, counts }: Burst,
): Promise<LoadCounts> {
  process.kill(worker, 'SIGSTOP')
  const load = stage.load('client', {
    host: stage.server.address,
    port,
    timeoutMs: TIMEOUT_MS,
    bursts,
  })
  const before = failures(sumOf(counts))
  stage.gauge('failed requests', () => before + failures(load.now()))
  await load.allSent
  // The queue is full for this moment only: who looks later finds it empty.
  stage.takeSample()
  await Promise.all([stage.sleep(stallMs), atMost(SHOWN_MS, stage.showNow())])
  process.kill(worker, 'SIGCONT')
  const counted = await load.done
  counts.push(counted)
  return counted
}

/** Healthy moments between the bursts. */
async function quiet(stage: Stage): Promise<void> {
  const plan = { host: stage.server.address, port: 80, timeoutMs: 3000, rate: 20, forMs: 600 }
  await stage.load('client', plan).done
}

/** One nginx after another, each at its own port and left running: one that ends would reset what is in its queue. */
async function table(stage: Stage, fixed: boolean): Promise<Outcome> {
  await stage.lay('client', 'server')
  await stage.tapEnds({ snap: 96 })
  const rows: (string | number)[][] = []
  const all: LoadCounts[] = []
  markOverflow(stage)
  for (const [n, backlog] of (fixed ? [ENOUGH] : BACKLOGS).entries()) {
    const port = 8001 + n
    const nginx = await startNginx(stage, stage.server, { backlog, port })
    for (const count of BURSTS) {
      stage.step(`backlog ${backlog}, ${count} new connections at once`)
      const counts = await burst(stage, nginx.worker, {
        port,
        bursts: [{ atMs: 100, count }],
        stallMs: STALL_MS,
        counts: all,
      })
      rows.push([
        backlog,
        count,
        counts.answered,
        failuresOf(counts, 'refused'),
        failuresOf(counts, 'reset'),
        failuresOf(counts, 'noConnection'),
        failuresOf(counts, 'noAnswer'),
        counts.slow,
      ])
      if (backlog === 511 && count === 1000) stage.look()
    }
  }
  const told = outcome(stage, sumOf(all), fixed ? 'three bursts' : 'twelve bursts')
  // 6,000 answers within 1 s are more than some machines can give, whatever the queue.
  const failing = overflowsOf(stage) > 0
  return { ...told, ...remainsOf(sumOf(all), failing), failing, table: tableOf(rows) }
}

function tableOf(rows: (string | number)[][]): Table {
  return {
    title: `Backlog against what clients with a time-out of 1 s got, nginx standing still for ${STALL_MS / 1000} s`,
    head: [
      'backlog',
      'burst',
      'answered',
      'refused',
      'reset',
      'no connection',
      'no answer',
      'slow',
    ],
    rows,
  }
}

/** The queue drains slower than it fills. */
async function slowAccept(stage: Stage, fixed: boolean): Promise<Outcome> {
  await stage.lay('client', 'server')
  const server = await stage.puppet('server')
  const slow = fixed ? {} : { acceptDelayS: 0.04 }
  await server.do({
    op: 'serve',
    as: 'slow',
    port: 80,
    backlog: fixed ? 512 : 16,
    paths: { '/': { close: true } },
    ...slow,
  })
  await server.do({ op: 'serve', as: 'other', port: 8080, paths: { '/': { close: true } } })
  await stage.tapEnds({ snap: 96 })
  stage.step(
    `${fixed ? 'listen(512), accept() at once' : 'listen(16), 40 ms for each accept()'}; 60 connections a second`,
  )
  const plan = { host: stage.server.address, timeoutMs: TIMEOUT_MS, forMs: 8000 }
  const load = stage.load('client', { ...plan, port: 80, rate: 60 })
  const healthy = stage.load('client', { ...plan, port: 8080, rate: 10 })
  stage.gauge('failed requests', () => failures(load.now()))
  markOverflow(stage)
  await stage.sleep(5000)
  stage.look()
  const counts = await load.done
  await healthy.done
  return outcome(stage, counts, 'an application that accepts slowly')
}

/** Of connects: what an overflow does. Answers that come late although nothing overflowed are a busy machine's, and are told. */
const FEW = 0.1

function remainsOf(counts: LoadCounts, failing: boolean): Pick<Outcome, 'remains'> {
  const left = failures(counts)
  if (failing || left === 0) return {}
  return {
    remains: `${left} of ${counts.sent} requests got no answer within 1 s: nothing overflowed, but this machine is too slow for so many at once`,
  }
}

function overflowsOf(stage: Stage): number {
  return stage.sampleNow()['server TcpExtListenOverflows'] ?? 0
}

function outcome(stage: Stage, counts: LoadCounts, what: string): Outcome {
  const failedRequests = failures(counts)
  const [noConnection, noAnswer, reset] = (['noConnection', 'noAnswer', 'reset'] as const).map(
    (group) => failuresOf(counts, group),
  ) as [number, number, number]
  const overflows = overflowsOf(stage)
  const failing = overflows > 0 || failuresOf(counts, 'refused') + noConnection > counts.sent * FEW
  return {
    failing,
    ...remainsOf(counts, failing),
    symptom: `${what}: ${failedRequests} of ${counts.sent} requests failed (${noConnection} got no connection, ${noAnswer} no answer, ${reset} were reset) within 1 s`,
    measures: [
      { name: 'requests', value: counts.sent },
      { name: 'failed', value: failedRequests },
      { name: 'no connection within 1 s', value: noConnection },
      { name: 'no answer within 1 s', value: noAnswer },
      { name: 'reset', value: reset },
      { name: 'ListenOverflows', value: overflows },
      { name: 'slowest answer', value: counts.max, unit: 'ms' },
    ],
  }
}
