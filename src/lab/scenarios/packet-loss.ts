import type { Got, Puppet } from '../stage/puppet.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'

const LOST = 0.08
const OUTAGE_S = 1.7
const DOWNLOADS = 30
/** A download is done within 100 ms on this path; a retransmission by time-out takes 200 ms and more. */
const SLOW_MS = 250
const USERS = 8

export const packetLoss: Scenario = {
  id: 'packet-loss',
  title: 'The network loses packets, and TCP repairs it',
  kind: 'neighbour',
  packages: [],
  signals: [
    'server TcpRetransSegs',
    'client TcpRetransSegs',
    'requests answered',
    'requests too slow',
  ],
  variants: [
    {
      id: 'random',
      title: 'One of two ways loses 8 % of the packets',
      expects: { verdict: 'problem', cause: 'packet-loss' },
      fault: `The router loses ${LOST * 100} % of the packets to and from one client at random, none of those of another.`,
      fix: 'The damaged way is taken out.',
    },
    {
      id: 'outage',
      title: 'Nothing comes through for 1.7 s',
      expects: { verdict: 'problem', cause: 'packet-loss', variant: 'outage' },
      fault: `For ${OUTAGE_S} s the router delivers nothing in either direction; then everything goes on where it stopped.`,
      fix: 'A second way takes over without a gap.',
    },
  ],
  reproduce: (stage, variant) => play(stage, variant, false),
  fix: (stage, variant) => play(stage, variant, true),
}

function play(stage: Stage, variant: string, fixed: boolean): Promise<Outcome> {
  return variant === 'outage' ? outage(stage, fixed) : loss(stage, fixed)
}

async function loss(stage: Stage, fixed: boolean): Promise<Outcome> {
  await stage.lay('client', 'client2', 'server')
  await stage.relay(5, fixed ? {} : { lose: LOST, of: stage.client.address, seed: 11 })
  const server = await stage.puppet('server')
  await server.do({
    op: 'serve',
    as: 'files',
    port: 80,
    paths: { '/': { body: 45_000, close: true } },
  })
  const [bad, good] = await Promise.all([stage.puppet('client'), stage.puppet('client2')])
  await stage.tapWay({ snap: 96 })
  const done: Got[] = []
  watch(stage, done)
  stage.step(`${DOWNLOADS} downloads of 45,000 octets by each of two clients`)
  stage.look('server')
  const get = async (client: Puppet, into: Got[]) => {
    for (let n = 0; n < DOWNLOADS; n++) {
      into.push(await client.try({ op: 'once', host: stage.server.address, port: 80, timeout: 20 }))
      await stage.sleep(50)
    }
  }
  const others: Got[] = []
  await Promise.all([get(bad, done), get(good, others)])
  const outcome = outcomeOf(done, 'downloads on the damaged way')
  const slowest = {
    name: 'slowest download of the other client',
    value: slowestOf(others),
    unit: 'ms',
  }
  return { ...outcome, measures: [...outcome.measures, slowest] }
}

async function outage(stage: Stage, fixed: boolean): Promise<Outcome> {
  await stage.lay('client', 'server')
  const relay = await stage.relay(5)
  const [client, server] = await Promise.all([stage.puppet('client'), stage.puppet('server')])
  await server.do({ op: 'serve', as: 'service', port: 80 })
  await stage.tapWay({ snap: 96 })
  const done: Got[] = []
  watch(stage, done)
  stage.step(`${USERS} kept connections ask every 0.2 s`)
  const users = Array.from({ length: USERS }, (_, n) => user(stage, { client, n, done }))
  await stage.sleep(2000)
  stage.look('client')
  stage.step(fixed ? 'the other way takes over' : `for ${OUTAGE_S} s nothing comes through`)
  if (!fixed) relay.outage(OUTAGE_S)
  await Promise.all(users)
  return outcomeOf(done, 'requests')
}

async function user(
  stage: Stage,
  { client, n, done }: { client: Puppet; n: number; done: Got[] },
): Promise<void> {
  const name = `user ${n}`
  await stage.sleep(20 * n)
  await client.do({ op: 'connect', as: name, host: stage.server.address, port: 80, timeout: 10 })
  for (let k = 0; k < 22; k++) {
    done.push(await client.try({ op: 'ask', on: name, timeout: 10 }))
    await stage.sleep(200)
  }
  await client.do({ op: 'close', on: name })
}

function watch(stage: Stage, done: readonly Got[]): void {
  stage.gauge('requests answered', () => done.length)
  stage.gauge('requests too slow', () => done.filter(isSlow).length)
  stage.markWhen('answers wait for retransmissions', () => done.some(isSlow))
}

function isSlow(got: Got): boolean {
  return !got.ok || got.value['ms']! > SLOW_MS
}

function slowestOf(done: readonly Got[]): number {
  return Math.round(Math.max(0, ...done.map((got) => (got.ok ? got.value['ms']! : 0))))
}

/** A busy machine delays one or the other by itself. */
const SOME = 0.2
/** A lost SYN costs 1 s. */
const FAR_TOO_LONG_MS = 900

function outcomeOf(done: readonly Got[], what: string): Outcome {
  const slow = done.filter(isSlow).length
  const slowest = slowestOf(done)
  return {
    failing: slow > done.length * SOME || slowest > FAR_TOO_LONG_MS,
    symptom: `${slow} of ${done.length} ${what} took longer than ${SLOW_MS} ms, the slowest ${slowest} ms`,
    measures: [
      { name: what, value: done.length },
      { name: `longer than ${SLOW_MS} ms`, value: slow },
      { name: 'slowest', value: slowest, unit: 'ms' },
    ],
  }
}
