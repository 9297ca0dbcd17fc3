import { programPath } from '../programs.ts'
import { goProgram, JAVA_LIBRARIES, javaClasses } from '../servers/cache.ts'
import { startMariadb } from '../servers/mariadb.ts'
import { lastPoolLine } from '../servers/pool-log.ts'
import { failures, failuresOf, type LoadCounts } from '../stage/load.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'

const APP = 8080
/** One query takes 0.25 s: five connections serve 20 requests a second. */
const SLOW = 'SELECT SLEEP(0.25)'
const SMALL_POOL = 5
const RIGHT_POOL = 30
const RATE = 60
const FOR_MS = 14_000
const TIMEOUT_MS = 1000
/** Java's runtime has some sixty files open before the first request; Node some twenty, and it notices clients that leave. */
const DESCRIPTORS = { go: 120, java: 220, node: 80, 'sleeping-handler': 120 } as const

type Runtime = keyof typeof DESCRIPTORS

const expects = {
  verdict: 'problem',
  cause: 'pool-starvation',
  // The pool itself is not read yet; these are what it does to others, with the pool named as what is missing.
  enough: ['server-stalled', 'descriptor-exhaustion', 'close-wait-leak'],
  // One end alone: the clients leave because the server does not answer, which is so.
  // To a kernel, whoever accepts and closes for want of a descriptor closes with the request unread.
  shallower: ['client-timeout', 'close-with-unread-data'],
  consequences: ['descriptor-exhaustion', 'accept-and-close', 'accept-queue-overflow'],
} as const
const fix = `A pool of ${RIGHT_POOL} (the database can), at most 800 ms of waiting for it, and at most 100 requests at once.`

export const poolStarvation: Scenario = {
  id: 'pool-starvation',
  title: 'A pool that is too small ends in no answers at all',
  kind: 'incident',
  packages: [],
  signals: [
    'pool in use',
    'server CLOSE-WAIT',
    'application descriptors',
    'server accept queue',
    'requests answered',
    'failed requests',
  ],
  variants: [
    {
      id: 'go',
      title: 'Go database/sql with MaxOpenConns 5',
      expects,
      fault: `${RATE} requests a second, each with a query of 0.25 s, through a pool of ${SMALL_POOL} (20 a second); clients leave after 1 s, the server does not notice; ${DESCRIPTORS.go} descriptors.`,
      fix,
      packages: [
        'mariadb-server',
        'golang-go',
        'golang-github-go-sql-driver-mysql-dev',
        'golang-github-lib-pq-dev',
      ],
    },
    {
      id: 'java',
      title: 'Java with HikariCP, maximumPoolSize 5',
      expects,
      fault: `The same with HikariCP and a thread for each request; ${DESCRIPTORS.java} descriptors.`,
      fix,
      packages: [
        'mariadb-server',
        'openjdk-17-jdk-headless',
        'libhikaricp-java',
        'libmariadb-java',
      ],
    },
    {
      id: 'node',
      title: 'Node with a pool of 5: at EMFILE it accepts and closes',
      expects,
      fault: `The same in Node; ${DESCRIPTORS.node} descriptors.`,
      fix,
      packages: ['mariadb-server'],
    },
    {
      id: 'sleeping-handler',
      title: 'A handler that sleeps 100 s: the same for clients, without any pool',
      expects: {
        verdict: 'problem',
        cause: 'server-stalled',
        enough: ['descriptor-exhaustion', 'close-wait-leak'],
        shallower: ['client-timeout'],
        consequences: ['accept-queue-overflow'],
      },
      fault: `Every request sleeps 100 s; ${DESCRIPTORS['sleeping-handler']} descriptors.`,
      fix: 'It does not sleep.',
      packages: ['golang-go', 'golang-github-go-sql-driver-mysql-dev', 'golang-github-lib-pq-dev'],
    },
  ],
  reproduce: (stage, variant) => play(stage, variant as Runtime, false),
  fix: (stage, variant) => play(stage, variant as Runtime, true),
}

async function play(stage: Stage, runtime: Runtime, fixed: boolean): Promise<Outcome> {
  await stage.lay('client', 'server', 'db')
  if (runtime !== 'sleeping-handler') {
    stage.step('a database of its own is started')
    await startMariadb(stage, stage.host('db'))
  }
  const limit = ['prlimit', `--nofile=${DESCRIPTORS[runtime]}:${DESCRIPTORS[runtime]}`, '--']
  const argv = [...limit, ...(await application(stage, runtime, fixed))]
  const app = await stage.server.spawn(argv, { log: 'app.log', port: APP, deadlineMs: 40_000 })
  stage.watch('application', app.pid)
  stage.gauge('pool in use', () => lastPoolLine(stage.path('server-app.log'))?.['inUse'] ?? null)
  await stage.tapEnds({ snap: 256, filter: `tcp port ${APP}` })
  stage.step(
    `${RATE} requests a second for ${FOR_MS / 1000} s, each client waits ${TIMEOUT_MS / 1000} s`,
  )
  const load = stage.load('client', {
    host: stage.server.address,
    port: APP,
    path: '/query',
    timeoutMs: TIMEOUT_MS,
    rate: RATE,
    forMs: FOR_MS,
  })
  stage.gauge('requests answered', () => load.now().answered)
  stage.gauge('failed requests', () => failures(load.now()))
  stage.markWhen(
    'no descriptor left',
    (s) => (s['application descriptors'] ?? 0) >= DESCRIPTORS[runtime],
  )
  await stage.sleep(FOR_MS - 5000)
  const answeredBefore = load.now().answered
  stage.curl('client', `http://${stage.server.address}:${APP}/query`)
  stage.look('server', { forMs: 4500 })
  const counts = await load.done
  const most = afterwards(stage)
  return outcome(counts, {
    lastSeconds: counts.answered - answeredBefore,
    most,
    limit: DESCRIPTORS[runtime],
  })
}

/** What it holds when the load has just ended. */
function afterwards(stage: Stage): { descriptors: number; closeWait: number; queue: number } {
  const sample = stage.sampleNow()
  return {
    descriptors: sample['application descriptors'] ?? 0,
    closeWait: sample['server CLOSE-WAIT'] ?? 0,
    queue: sample['server accept queue'] ?? 0,
  }
}

async function application(stage: Stage, runtime: Runtime, fixed: boolean): Promise<string[]> {
  const max = fixed ? RIGHT_POOL : SMALL_POOL
  const { address } = runtime === 'sleeping-handler' ? stage.server : stage.host('db')
  if (runtime === 'node') {
    const options = {
      story: 'pool',
      listen: APP,
      host: address,
      port: 3306,
      max,
      slow: SLOW,
      fixed,
    }
    return [process.execPath, programPath('app.mjs'), JSON.stringify(options)]
  }
  if (runtime === 'java') {
    const classes = await javaClasses('PoolApp', JAVA_LIBRARIES)
    const url = `jdbc:mariadb://${address}:3306/shop`
    return [
      'java',
      '-Xmx128m',
      '-cp',
      classes,
      'PoolApp',
      String(APP),
      url,
      String(max),
      SLOW,
      fixed ? 'fixed' : 'faulty',
    ]
  }
  const story =
    runtime === 'go'
      ? ['-story', 'pool', '-dsn', `app@tcp(${address}:3306)/shop`]
      : ['-story', 'sleep']
  return [
    await goProgram(),
    '-listen',
    `:${APP}`,
    '-max',
    String(max),
    '-slow',
    SLOW,
    ...story,
    ...(fixed ? ['-fixed'] : []),
  ]
}

function outcome(
  counts: LoadCounts,
  of: {
    lastSeconds: number
    most: { descriptors: number; closeWait: number; queue: number }
    limit: number
  },
): Outcome {
  const { lastSeconds, most, limit } = of
  const failed = failures(counts)
  return {
    failing: failed > counts.sent / 2,
    symptom: `${failed} of ${counts.sent} requests failed within ${TIMEOUT_MS / 1000} s (${failuresOf(counts, 'noAnswer')} got no answer, ${failuresOf(counts, 'noConnection')} no connection, ${failuresOf(counts, 'earlyEnd')} an early end, ${failuresOf(counts, 'reset')} a reset); in the last 5 s ${lastSeconds} were answered; ${most.descriptors} of ${limit} descriptors, ${most.closeWait} CLOSE-WAIT, ${most.queue} wait to be accepted`,
    measures: [
      { name: 'requests', value: counts.sent },
      { name: 'failed', value: failed },
      { name: 'turned away at once (503)', value: counts.serverErrors },
      { name: 'answered in the last 5 s', value: lastSeconds },
      { name: 'CLOSE-WAIT at the end', value: most.closeWait },
      { name: 'descriptors at the end', value: most.descriptors },
      { name: 'waiting to be accepted at the end', value: most.queue },
      { name: 'half of the answers within', value: counts.p50, unit: 'ms' },
    ],
  }
}
