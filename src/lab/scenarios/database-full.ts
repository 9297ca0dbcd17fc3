import { goProgram } from '../servers/cache.ts'
import { lastPoolLine } from '../servers/pool-log.ts'
import { startPostgresql } from '../servers/postgresql.ts'
import { failures, type Load, type LoadCounts, sumOf } from '../stage/load.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'

/** Of PostgreSQL; 100 in its own configuration. */
const MAX_CONNECTIONS = 20
const APP = 8080
/** The shop's users come five at a time; Go keeps two idle connections. */
const BURST = 5
const HEALTHY_BURSTS = 5
const BURSTS = 10

export const databaseFull: Scenario = {
  id: 'database-full',
  title: 'One service does not give its database connections back, another one is turned away',
  kind: 'neighbour',
  author: 'fresh-eyes',
  packages: ['postgresql'],
  signals: ['reports: connections in use', 'shop answered', 'shop failed', 'db ESTABLISHED'],
  variants: [
    {
      id: 'go-postgresql',
      title: '"sorry, too many clients already", because rows are never closed',
      expects: { verdict: 'problem', cause: 'connection-limit' },
      fault: `A Go service returns early without rows.Close() and has no limit of its own, until PostgreSQL has max_connections (${MAX_CONNECTIONS}); the shop on another machine needs a new connection now and then.`,
      fix: 'defer rows.Close() in the service that leaks.',
      packages: ['golang-go', 'golang-github-go-sql-driver-mysql-dev', 'golang-github-lib-pq-dev'],
    },
  ],
  reproduce: (stage) => play(stage, false),
  fix: (stage) => play(stage, true),
}

async function play(stage: Stage, fixed: boolean): Promise<Outcome> {
  // The shop, which suffers, is the client of whom a capture is taken; nobody looks at the reports.
  await stage.lay('client', 'client2', 'db')
  stage.step('a database of its own is started')
  await startPostgresql(stage, stage.host('db'), [`max_connections=${MAX_CONNECTIONS}`])
  await stage.tap('client', { snap: 512, filter: 'tcp port 5432' })
  await stage.tap('db', { snap: 512, filter: 'tcp port 5432' })
  await startService(stage, 'client', false)
  await startService(stage, 'client2', fixed)
  const leaked = () => lastPoolLine(stage.path('client2-app.log'))?.['inUse'] ?? null
  stage.gauge('reports: connections in use', leaked)
  const before = shopUsers(stage, HEALTHY_BURSTS)
  await before.done
  stage.markWhen('the database is full', (s) => (s['shop failed'] ?? 0) > 0)
  stage.step('on another machine somebody asks for a report, again and again')
  await reportUsers(stage, MAX_CONNECTIONS, 100)
  const during = shopUsers(stage, BURSTS)
  await stage.sleep(1000)
  stage.look('db')
  await reportUsers(stage, 20, 400)
  return outcome(sumOf([await before.done, await during.done]), leaked() ?? 0)
}

async function startService(
  stage: Stage,
  name: 'client' | 'client2',
  fixed: boolean,
): Promise<void> {
  const dsn = `postgres://app@${stage.host('db').address}:5432/postgres?sslmode=disable`
  const words = ['-story', 'report', '-driver', 'postgres', '-dsn', dsn, '-max', '0']
  const slow = ['-slow', 'SELECT pg_sleep(0.2)']
  const argv = [await goProgram(), '-listen', `:${APP}`, ...words, ...slow]
  const app = await stage
    .host(name)
    .spawn([...argv, ...(fixed ? ['-fixed'] : [])], { log: 'app.log', port: APP })
  stage.watch(`${name} application`, app.pid)
}

/** Its code is right: every connection goes back to the pool. */
function shopUsers(stage: Stage, bursts: number): Load {
  stage.step(`the shop has ${BURST} users at once, every second`)
  const load = stage.load('client', {
    host: stage.client.address,
    port: APP,
    path: '/query',
    timeoutMs: 5000,
    bursts: Array.from({ length: bursts }, (_, n) => ({ atMs: 1000 * n, count: BURST })),
  })
  stage.gauge('shop answered', () => load.now().answered)
  stage.gauge('shop failed', () => failures(load.now()))
  return load
}

async function reportUsers(stage: Stage, count: number, everyMs: number): Promise<void> {
  const puppet = await stage.puppet('client2')
  const host = stage.host('client2').address
  for (let n = 0; n < count; n++) {
    await puppet.try({ op: 'once', host, port: APP, path: '/report', timeout: 5 })
    await stage.sleep(everyMs)
  }
}

function outcome(counts: LoadCounts, leaked: number): Outcome {
  const failed = failures(counts)
  return {
    failing: failed > 0,
    symptom: `${failed} of ${counts.sent} requests to the shop failed (${counts.serverErrors} with 503, "pq: sorry, too many clients already"); the reports hold ${leaked} of ${MAX_CONNECTIONS} connections`,
    measures: [
      { name: 'requests to the shop', value: counts.sent },
      { name: 'failed', value: failed },
      { name: 'connections that the reports hold at the end', value: leaked },
    ],
  }
}
