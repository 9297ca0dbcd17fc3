import { goProgram } from '../servers/cache.ts'
import { lastPoolLine } from '../servers/pool-log.ts'
import { startPostgresql } from '../servers/postgresql.ts'
import { failures, type LoadCounts } from '../stage/load.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'

/** Of PostgreSQL; 100 in its own configuration. */
const MAX_CONNECTIONS = 20
const APP = 8080
const REPORTS = 40
const REPORT_EVERY_MS = 300
/** The shop's users come five at a time; Go keeps two idle connections. */
const BURST = 5
const BURSTS = 16

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
  const shop = shopUsers(stage)
  stage.markWhen('the database is full', (s) => (s['shop failed'] ?? 0) > 0)
  const looked = stage.sleep(5_000).then(() => stage.look('db'))
  await reportUsers(stage)
  const [counts] = await Promise.all([shop, looked])
  return outcome(counts, leaked() ?? 0)
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
function shopUsers(stage: Stage): Promise<LoadCounts> {
  stage.step(`the shop has ${BURST} users at once, every second`)
  const load = stage.load('client', {
    host: stage.client.address,
    port: APP,
    path: '/query',
    timeoutMs: 5000,
    bursts: Array.from({ length: BURSTS }, (_, n) => ({ atMs: 1000 * n, count: BURST })),
  })
  stage.gauge('shop answered', () => load.now().answered)
  stage.gauge('shop failed', () => failures(load.now()))
  return load.done
}

async function reportUsers(stage: Stage): Promise<void> {
  const puppet = await stage.puppet('client2')
  const host = stage.host('client2').address
  stage.step('on another machine somebody asks for a report, again and again')
  for (let n = 0; n < REPORTS; n++) {
    await puppet.try({ op: 'once', host, port: APP, path: '/report', timeout: 5 })
    await stage.sleep(REPORT_EVERY_MS)
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
