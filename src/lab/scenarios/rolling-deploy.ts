import { programPath } from '../programs.ts'
import { startHaproxy } from '../servers/haproxy.ts'
import { type HaproxyControl, haproxyControl } from '../servers/haproxy-control.ts'
import { lastPoolLine } from '../servers/pool-log.ts'
import { failures, failuresOf, type LoadCounts, sumOf } from '../stage/load.ts'
import type { Running } from '../stage/process.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'

const APP = 8080
/** The load ends when the story is over; this is longer than any story. */
const FOR_MS = 120_000
/**
 * Requests a second. HAProxy takes its backends by turns: with equal rates, evenly spaced, all reports would go to one of the two and
 * all short requests to the other, on a machine that is quiet enough.
 */
const RATES = { '/report': 20, '/': 31 }
/** The deploy begins when so many of each kind are answered. */
const UNDER_WAY = 20
/** Until the new version listens. */
const AWAY_MS = 2500
/** A report takes 1.2 s. */
const DRAIN_MS = 2500
/** It is killed when so many of its answers are under way; 12 are, as a rule. */
const IN_THE_MIDDLE = 5
/** The new version at work, before the load ends. */
const AFTERWARDS_MS = 4000
/** Who looks at the host stays until the story ends, however long the deploy is waited for. */
const WATCH_MS = 60_000
/** On a busy machine. */
const PATIENCE_MS = 40_000

export const rollingDeploy: Scenario = {
  id: 'rolling-deploy',
  title: 'A deploy kills one of two backends behind HAProxy in the middle of its answers',
  kind: 'neighbour',
  author: 'fresh-eyes',
  packages: ['haproxy'],
  signals: ['requests answered', 'requests failed', 'server ESTABLISHED', 'server TcpOutRsts'],
  variants: [
    {
      id: 'killed',
      title: 'SIGKILL without draining; half of the requests are cut or get 502 and 503',
      expects: {
        verdict: 'problem',
        cause: 'process-killed',
        consequences: ['listener-closed', 'port-closed'],
      },
      fault: `Of two Node backends behind HAProxy (health check every second, 3 retries, no redispatch) one is killed in the middle of its answers and started again ${AWAY_MS / 1000} s later.`,
      fix: `HAProxy drains the backend for ${DRAIN_MS / 1000} s, then SIGTERM, then the new version, then HAProxy is told that it is ready.`,
      isProxied: true,
    },
  ],
  reproduce: (stage) => playDeploy(stage, false),
  fix: (stage) => playDeploy(stage, true),
}

/** @param gently  drained first: what the fix does, and the whole of graceful-deploy */
export async function playDeploy(stage: Stage, gently: boolean): Promise<Outcome> {
  await stage.lay('client', 'server', 'server2')
  const doomed = await startBackend(stage, 'server')
  await startBackend(stage, 'server2')
  const haproxy = await startBalancer(stage)
  await stage.tapEnds({ snap: 256 })
  stage.step('20 reports a second, which take 1.2 s each, and 31 short requests')
  const loads = Object.entries(RATES).map(([path, rate]) =>
    stage.load('client', {
      host: stage.router.address,
      port: 80,
      path,
      timeoutMs: 8000,
      rate,
      forMs: FOR_MS,
    }),
  )
  const now = () => sumOf(loads.map((load) => load.now()))
  stage.gauge('requests answered', () => now().answered)
  stage.gauge('requests failed', () => failures(now()))
  const answered = () => loads.every((load) => load.now().answered >= UNDER_WAY)
  await stage.until('both kinds of requests are answered', answered, PATIENCE_MS)
  stage.look('server', { forMs: WATCH_MS })
  await stage.sleep(2000)
  await (gently ? deployGently : deployRudely)(stage, doomed, haproxy)
  await stage.sleep(AFTERWARDS_MS)
  for (const load of loads) load.stop()
  return outcome(sumOf(await Promise.all(loads.map((load) => load.done))))
}

/** How many reports the backend at `server` has begun and not ended, as it says itself. */
function reportsUnderWay(stage: Stage): number {
  return lastPoolLine(stage.path('server-backend.log'))?.['reports'] ?? 0
}

function startBackend(stage: Stage, name: 'server' | 'server2'): Promise<Running> {
  const argv = [process.execPath, programPath('backend.mjs'), JSON.stringify({ listen: APP })]
  return stage.host(name).spawn(argv, { log: 'backend.log', port: APP })
}

async function startBalancer(stage: Stage): Promise<HaproxyControl> {
  const { router } = stage
  const control = haproxyControl(stage)
  await startHaproxy(stage, router, {
    listen: router.address,
    port: 80,
    to: [`${stage.server.address}:${APP}`, `${stage.host('server2').address}:${APP}`],
    idleMs: 30_000,
    mode: 'http',
    control: control.path,
  })
  return control
}

async function deployRudely(stage: Stage, doomed: Running): Promise<void> {
  const inTheMiddle = () => reportsUnderWay(stage) >= IN_THE_MIDDLE
  await stage.until('answers are under way', inTheMiddle, PATIENCE_MS)
  stage.mark('kill -9')
  await doomed.end('SIGKILL')
  await stage.sleep(AWAY_MS)
  stage.step('the new version is started')
  await startBackend(stage, 'server')
}

async function deployGently(stage: Stage, doomed: Running, haproxy: HaproxyControl): Promise<void> {
  stage.step('HAProxy gives the backend nothing new')
  await haproxy.tell('set server front/back1 state drain')
  await stage.sleep(DRAIN_MS)
  await stage.until('its last answers are given', () => reportsUnderWay(stage) === 0, PATIENCE_MS)
  await haproxy.tell('set server front/back1 state maint')
  await doomed.end('SIGTERM')
  await stage.sleep(AWAY_MS)
  stage.step('the new version is started')
  await startBackend(stage, 'server')
  await haproxy.tell('set server front/back1 state ready')
}

function outcome(counts: LoadCounts): Outcome {
  const failed = failures(counts)
  const cut = failuresOf(counts, 'earlyEnd') + failuresOf(counts, 'reset')
  const silent = failed - counts.serverErrors - cut
  return {
    failing: failed > 0,
    symptom: `${failed} of ${counts.sent} requests failed: ${counts.serverErrors} got 502 or 503, ${cut} answers were cut in the middle${silent > 0 ? `, ${silent} got nothing` : ''}`,
    measures: [
      { name: 'requests', value: counts.sent },
      { name: '502 and 503', value: counts.serverErrors },
      { name: 'cut in the middle', value: cut },
      { name: 'slowest answer', value: counts.max, unit: 'ms' },
    ],
  }
}
