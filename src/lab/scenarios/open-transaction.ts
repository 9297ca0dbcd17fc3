import { programPath } from '../programs.ts'
import { goProgram } from '../servers/cache.ts'
import { startHaproxy } from '../servers/haproxy.ts'
import { startMariadb } from '../servers/mariadb.ts'
import { lastPoolLine } from '../servers/pool-log.ts'
import { startPostgresql } from '../servers/postgresql.ts'
import type { Got, Puppet } from '../stage/puppet.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'

/** HAProxy closes what is idle for so long: 60 s in the incident's configuration, 30 s in its trace. */
const IDLE_MS = 6000
const POOL = 8
const APP = 8080
/** Of users. Shorter than HAProxy's limit, which is how long a forgotten transaction holds its row locks. */
const PATIENCE_S = 3

const expects = {
  verdict: 'problem',
  cause: 'open-transaction',
  consequences: ['close-wait-leak', 'server-idle-timeout'],
  // Headers alone: the application does not answer its users.
  shallower: ['server-stalled', 'client-timeout'],
} as const
const fault = `Every request with an empty map returns early, after BEGIN and UPDATE and without COMMIT or ROLLBACK; HAProxy closes after ${IDLE_MS / 1000} s of silence, and nobody looks at the connection again.`
const fix = 'ROLLBACK on every way out (Go: defer tx.Rollback(); Node: finally).'

export const openTransaction: Scenario = {
  id: 'open-transaction',
  title: 'A missing ROLLBACK: CLOSE-WAIT piles up, and two clusters fail together',
  kind: 'incident',
  packages: ['haproxy'],
  signals: ['client CLOSE-WAIT', 'pool in use', 'requests answered', 'requests failed'],
  variants: [
    {
      id: 'go-mariadb',
      title: 'Go database/sql, MariaDB behind HAProxy, two instances',
      expects,
      fault,
      fix,
      isProxied: true,
      packages: [
        'mariadb-server',
        'golang-go',
        'golang-github-go-sql-driver-mysql-dev',
        'golang-github-lib-pq-dev',
      ],
    },
    {
      id: 'node-mariadb',
      title: 'Node with a pool of its own, MariaDB behind HAProxy, two instances',
      expects,
      fault: `${fault} Node answers the FIN by itself: no CLOSE-WAIT is left, and the place in the pool is lost all the same.`,
      fix,
      isProxied: true,
      packages: ['mariadb-server'],
    },
    {
      id: 'go-postgresql',
      title: 'Go database/sql, PostgreSQL behind HAProxy, two instances',
      expects,
      fault,
      fix,
      isProxied: true,
      packages: [
        'postgresql',
        'golang-go',
        'golang-github-go-sql-driver-mysql-dev',
        'golang-github-lib-pq-dev',
      ],
    },
  ],
  reproduce: (stage, variant) => play(stage, variant, false),
  fix: (stage, variant) => play(stage, variant, true),
}

async function play(stage: Stage, variant: string, fixed: boolean): Promise<Outcome> {
  await stage.lay('client', 'client2', 'db')
  const isPostgresql = variant === 'go-postgresql'
  const port = isPostgresql ? 5432 : 3306
  stage.step('a database of its own is started')
  await (isPostgresql ? startPostgresql : startMariadb)(stage, stage.host('db'))
  const front = stage.router.address
  const to = `${stage.host('db').address}:${port}`
  await startHaproxy(stage, stage.router, { listen: '0.0.0.0', port, to, idleMs: IDLE_MS })
  await stage.tap('client', { snap: 512, filter: `tcp port ${port}` })
  await stage.tap('client2', { snap: 512, filter: `tcp port ${port}` })
  await stage.tap('router', { snap: 512, filter: `tcp port ${port}`, on: 'to-client' })
  await stage.tap('db', { snap: 512, filter: `tcp port ${port}` })
  const instances = ['client', 'client2'] as const
  for (const name of instances) {
    const argv = await application(variant, { front, fixed })
    const app = await stage.host(name).spawn(argv, { log: 'app.log', port: APP })
    stage.watch(`${name} application`, app.pid)
  }
  stage.gauge('pool in use', () => lastPoolLine(stage.path('client-app.log'))?.['inUse'] ?? null)
  return story(stage, instances)
}

async function application(
  variant: string,
  { front, fixed }: { front: string; fixed: boolean },
): Promise<string[]> {
  if (variant === 'node-mariadb') {
    const options = { story: 'transaction', listen: APP, host: front, port: 3306, max: POOL, fixed }
    return [process.execPath, programPath('app.mjs'), JSON.stringify(options)]
  }
  const source =
    variant === 'go-postgresql'
      ? ['-driver', 'postgres', '-dsn', `postgres://app@${front}:5432/postgres?sslmode=disable`]
      : ['-driver', 'mysql', '-dsn', `app@tcp(${front}:3306)/shop`]
  return [
    await goProgram(),
    '-story',
    'transaction',
    '-listen',
    `:${APP}`,
    '-max',
    String(POOL),
    ...source,
    ...(fixed ? ['-fixed'] : []),
  ]
}

interface Counts {
  done: { got: Got; instance: string; ms: number }[]
}

/** Users of both instances; now and then one with an empty map. The first instance has them, the second waits for its locks. */
async function story(stage: Stage, instances: readonly ('client' | 'client2')[]): Promise<Outcome> {
  const counts: Counts = { done: [] }
  const failed = () => counts.done.filter(({ got }) => !got.ok)
  stage.gauge('requests answered', () => counts.done.length - failed().length)
  stage.gauge('requests failed', () => failed().length)
  stage.markWhen(
    'the database side closes; the application does not',
    (s) => (s['client CLOSE-WAIT'] ?? 0) > 0,
  )
  const puppets = new Map<string, Puppet>()
  for (const name of instances) puppets.set(name, await stage.puppet(name))
  const ask = async (instance: 'client' | 'client2', path: string) => {
    const start = performance.now()
    const order = {
      op: 'once',
      host: stage.host(instance).address,
      port: APP,
      path,
      timeout: PATIENCE_S,
    }
    const got = await puppets.get(instance)!.try(order)
    counts.done.push({ got, instance, ms: performance.now() - start })
  }
  stage.step('both instances are healthy')
  for (let n = 0; n < 4; n++) for (const name of instances) await ask(name, `/update?id=${10 + n}`)
  stage.step('eight requests with an empty map at the first instance: it returns early')
  for (let n = 1; n <= POOL; n++) {
    await ask('client', `/update?id=${n}&map=nil`)
    await stage.sleep(150)
  }
  stage.step('the second instance wants the same rows; the first has no connection left')
  const both: Promise<void>[] = []
  for (let n = 0; n < 12; n++) {
    both.push(
      ask('client2', `/update?id=${1 + (n % 4)}`),
      ask('client', `/update?id=${11 + (n % 4)}`),
    )
    await stage.sleep(400)
  }
  await Promise.all(both)
  await stage.sleep(1500)
  stage.look('client')
  // What is in CLOSE-WAIT for so long is not just about to be closed. Users still come.
  const late: Promise<void>[] = []
  for (let n = 0; n < 4; n++) {
    late.push(ask('client', `/update?id=${15 + n}`), ask('client2', `/update?id=${19 + n}`))
    await stage.sleep(1600)
  }
  await Promise.all(late)
  return outcome(stage, counts)
}

function outcome(stage: Stage, { done }: Counts): Outcome {
  const failed = done.filter(({ got }) => !got.ok)
  const of = (instance: string) => failed.filter((one) => one.instance === instance).length
  const slowest = Math.round(Math.max(...done.map(({ ms }) => ms)))
  const closeWait = stage.sampleNow()['client CLOSE-WAIT'] ?? 0
  const inUse = lastPoolLine(stage.path('client-app.log'))?.['inUse'] ?? 0
  return {
    failing: failed.length > 0,
    symptom: `${failed.length} of ${done.length} requests were not answered within ${PATIENCE_S} s (${of('client')} of the first instance, ${of('client2')} of the second); ${inUse} of ${POOL} pooled connections are in use for ever, ${closeWait} sockets are in CLOSE-WAIT`,
    measures: [
      { name: 'requests', value: done.length },
      { name: 'not answered by the first instance', value: of('client') },
      { name: 'not answered by the second instance', value: of('client2') },
      { name: 'CLOSE-WAIT at the end', value: closeWait },
      { name: 'pooled connections in use at the end', value: inUse },
      { name: 'slowest request', value: slowest, unit: 'ms' },
    ],
  }
}
