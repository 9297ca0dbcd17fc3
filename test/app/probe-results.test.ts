import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { analyzeCaptures } from '../../src/app/analyze.ts'
import type { IdleRun } from '../../src/probe/idle/report.ts'
import { root } from '../helpers/built.ts'

const folder = mkdtempSync(join(tmpdir(), 'tcpwhy-probe-'))
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
function written(value: unknown): string {
  const path = join(folder, `${files++}.json`)
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value))
  return path
}

type Found = Pick<IdleRun, 'longestSurvivedMs' | 'shortestDiedMs' | 'flavour' | 'by'>

/** Half an hour after the captures. */
const SOON = '2026-11-21T04:55:00.000Z'

function result(address: string, found: Found, startedAt = SOON): string {
  const runs = [{ keepalive: 'off', traffic: 'none', attempts: [], ...found }]
  const targets = [{ name: address, address, runs }]
  return written({ schema: 'tcpwhy.probe/1', probe: 'idle', startedAt, durationMs: 9000, targets })
}

async function analyzed(capture: string, probe: string) {
  const { report } = await analyzeCaptures({
    inputs: [join(root, 'test/captures', capture)],
    at: [],
    filter: {},
    all: false,
    probes: [probe],
  })
  const finding = (cause: string) => report.findings.find((f) => f.cause === cause)
  const excluded = (cause: string) => report.excluded.find((e) => e.cause === cause)
  return { report, finding, excluded }
}

const SERVER = '10.77.2.2:80'
const SURVIVED = { longestSurvivedMs: 60_000, shortestDiedMs: null, flavour: null, by: null }

describe('a middlebox that forgets', () => {
  const capture = 'incident/idle-timeout.pcap'

  test('is confirmed by an experiment that found the limit, and the evidence can be opened', async () => {
    const probe = result(SERVER, {
      longestSurvivedMs: 4100,
      shortestDiedMs: 4500,
      flavour: 'reset',
      by: 'middlebox',
    })
    const { report, finding } = await analyzed(capture, probe)
    const found = finding('middlebox-idle-timeout')
    expect(found).toMatchObject({ certainty: 'confirmed', variant: 'reset' })
    const because = found!.because.find(({ kind }) => kind === 'probe')
    expect(because).toMatchObject({ source: 'probe', ref: 'targets[0].runs[0]' })
    expect(because!.text).toContain('between 4.1 s and 4.5 s')
    expect(report.sources.find(({ kind }) => kind === 'probe')).toMatchObject({ name: probe })
  })

  test('an experiment of another day supports or contradicts, and decides nothing; how far off it is is said', async () => {
    const limit = { longestSurvivedMs: 4100, shortestDiedMs: 4500 } as const
    const found = { ...limit, flavour: 'reset', by: 'middlebox' } as const
    const texts = (list: readonly { text: string }[] | undefined) =>
      (list ?? []).map(({ text }) => text).join('\n')

    const later = await analyzed(capture, result(SERVER, found, '2026-11-24T04:21:03.000Z'))
    const finding = later.finding('middlebox-idle-timeout')
    expect(finding?.certainty).toBe('likely')
    expect(texts(finding?.because)).toContain('between 4.1 s and 4.5 s')
    expect(texts(finding?.against)).toContain('made 72 h after these packets')

    const drop = 'middlebox-idle-timeout/drop.client.pcap'
    const before = await analyzed(drop, result(SERVER, SURVIVED, '2026-11-19T04:00:00.000Z'))
    const kept = before.finding('middlebox-idle-timeout')
    expect(texts(kept?.against)).toContain('the experiment contradicts it')
    expect(texts(kept?.against)).toMatch(/made 48 h \d+ min before these packets/)

    const hours = await analyzed(capture, result(SERVER, found, '2026-11-21T10:00:00.000Z'))
    const sure = hours.finding('middlebox-idle-timeout')
    expect(sure?.certainty).toBe('confirmed')
    expect(texts(sure?.against)).toContain('made 5 h 39 min after these packets')

    const soon = await analyzed(capture, result(SERVER, found))
    expect(texts(soon.finding('middlebox-idle-timeout')?.against)).not.toContain('these packets')
  })

  test('is contradicted by one whose connections survived, where the reset itself does not betray it', async () => {
    const { finding, excluded } = await analyzed(
      'middlebox-idle-timeout/drop.client.pcap',
      result(SERVER, SURVIVED),
    )
    expect(finding('middlebox-idle-timeout')).toBeUndefined()
    const because = excluded('middlebox-idle-timeout')?.because ?? []
    expect(because.map(({ text }) => text).join()).toContain('the experiment contradicts it')
  })

  test('is not confirmed by an experiment with another server, way of dying or culprit', async () => {
    const limit = { longestSurvivedMs: 4100, shortestDiedMs: 4500 }
    for (const probe of [
      result('10.77.2.9:80', { ...limit, flavour: 'reset', by: 'middlebox' }),
      result(SERVER, { ...limit, flavour: 'silent', by: 'middlebox' }),
      result(SERVER, { ...limit, flavour: 'reset', by: 'server' }),
    ]) {
      const { finding } = await analyzed(capture, probe)
      expect(finding('middlebox-idle-timeout')?.certainty).toBe('likely')
    }
  })
})

describe('a NAT that forgets, where nobody was answered afterwards', () => {
  const folder = join(root, 'test/captures/middlebox-idle-timeout')
  const capture = 'middlebox-idle-timeout/given-up.pcap'
  const probe = join(folder, 'given-up.probe.json')
  const texts = (list: readonly { text: string }[] = []) => list.map(({ text }) => text).join('\n')

  test('is confirmed by what the experiment found there, for whoever gave up by RST or only closed', async () => {
    const alone = await analyzeCaptures({
      inputs: [join(folder, 'given-up.pcap')],
      at: [],
      filter: {},
      all: false,
    })
    const first = alone.report.findings[0]
    expect(first).toMatchObject({ cause: 'middlebox-idle-timeout', certainty: 'possible' })
    expect(alone.report.unknown.map(({ missing }) => missing).join()).toContain('by experiment')

    const { report, finding } = await analyzed(capture, probe)
    const found = finding('middlebox-idle-timeout')
    expect(found).toMatchObject({ certainty: 'confirmed', variant: 'drop' })
    expect(found?.affected.connections).toBe(5)
    expect(texts(found?.because)).toMatch(
      /the experiment found the same limit: .* 3\.\d+ s and 4\.\d+ s/,
    )
    expect(finding('path-lost')).toBeUndefined()
    expect(report.headline).toMatch(/\(confirmed/)
  })

  test('a result of another target or another week takes nothing away, and is told', async () => {
    const { startedAt } = JSON.parse(readFileSync(probe, 'utf8'))
    const limit = {
      longestSurvivedMs: 3800,
      shortestDiedMs: 4100,
      flavour: 'silent',
      by: 'middlebox',
    } as const
    const other = await analyzed(capture, result('10.77.2.2:81', limit, startedAt))
    expect(other.finding('middlebox-idle-timeout')?.certainty).toBe('possible')
    const { faults } = other.report.sources.find(({ kind }) => kind === 'probe')!
    expect(faults).toMatchObject([{ name: 'target-not-captured', count: 1 }])
    expect(faults[0]?.text).toContain('no connection of the capture goes to 10.77.2.2:81')

    const late = new Date(Date.parse(startedAt) + 7 * 86_400_000).toISOString()
    const week = await analyzed(capture, result(SERVER, limit, late))
    expect(week.finding('middlebox-idle-timeout')?.certainty).toBe('possible')
    expect(week.finding('path-lost')).toBeDefined()
    expect(week.report.sources.find(({ kind }) => kind === 'probe')?.faults).toEqual([])
  })

  test('is not, by one with another limit', async () => {
    const { startedAt } = JSON.parse(readFileSync(probe, 'utf8'))
    const silent = { flavour: 'silent', by: 'middlebox' } as const
    const longer = { longestSurvivedMs: 9000, shortestDiedMs: 9400, ...silent }
    const { finding, excluded } = await analyzed(capture, result(SERVER, longer, startedAt))
    expect(finding('middlebox-idle-timeout')).toBeUndefined()
    expect(texts(excluded('middlebox-idle-timeout')?.because)).toContain(
      'survived a silence of 9 s',
    )
    expect(finding('path-lost')?.certainty).toBe('possible')
    expect(texts(finding('path-lost')?.because)).toContain('no limit of time ended these')

    const shorter = { longestSurvivedMs: 900, shortestDiedMs: 1100, ...silent }
    const other = await analyzed(capture, result(SERVER, shorter, startedAt))
    const found = other.finding('middlebox-idle-timeout')
    expect(found?.certainty).toBe('possible')
    expect(texts(found?.against)).toContain('is another: here a silence of 3.4 s was survived')
    expect(other.finding('path-lost')).toBeDefined()
    expect(
      texts(other.report.unknown.flatMap(({ missing }) => missing.map((text) => ({ text })))),
    ).not.toContain('by experiment')
  })
})

describe('a server that closes idle connections', () => {
  const capture = 'server-idle-timeout/nginx-reused.pcap'

  test('is confirmed by an experiment that found the limit', async () => {
    const found: Found = {
      longestSurvivedMs: 2900,
      shortestDiedMs: 3010,
      flavour: 'fin',
      by: 'server',
    }
    const { finding } = await analyzed(capture, result(SERVER, found))
    expect(finding('server-idle-timeout')).toMatchObject({ certainty: 'confirmed' })
  })

  test('is contradicted by one whose connections were idle for longer', async () => {
    const { finding, excluded } = await analyzed(capture, result(SERVER, SURVIVED))
    expect(finding('server-idle-timeout')).toBeUndefined()
    expect(excluded('server-idle-timeout')?.because[0]).toMatchObject({ kind: 'probe' })
  })
})

const HEAD = { schema: 'tcpwhy.probe/1', startedAt: SOON, durationMs: 9000 }

describe('a port where nothing listens', () => {
  const capture = 'port-closed/service-stops.pcap'
  const connects = (verdict: string, hops: object | null, address: string) => {
    const targets = [{ name: 'x', address, family: 4, verdict, visit: { endedMs: 1 }, hops }]
    return written({ ...HEAD, probe: 'connect', targets })
  }
  const fromHost = { routers: [], answered: { ttl: 2, by: 'rst', from: null }, answerHops: 1 }

  test('is supported by probe connect that was refused by the host, and the place can be opened', async () => {
    const { finding } = await analyzed(capture, connects('refused', fromHost, SERVER))
    const found = finding('port-closed')
    expect(found?.certainty).toBe('likely')
    const because = found!.because.find(({ kind }) => kind === 'probe')
    expect(because).toMatchObject({ source: 'probe', ref: 'targets[0]' })
  })

  test('has nothing from an experiment with another port, and one that got in against it', async () => {
    const other = await analyzed(capture, connects('refused', fromHost, '10.77.2.2:81'))
    const said = other.finding('port-closed')!.because
    expect(said.filter(({ kind }) => kind === 'probe')).toEqual([])
    const later = await analyzed(capture, connects('served', null, SERVER))
    const found = later.finding('port-closed')
    expect(found?.certainty).toBe('likely')
    expect(found!.against.map(({ text }) => text).join()).toContain('it was served')
  })
})

test('a full accept queue is confirmed by a burst that overflowed it', async () => {
  const burst = (connections: number, answered: number, listenOverflows: number) => ({
    ...{ connections, answered, failed: connections - answered, failures: [], slowHandshakes: 0 },
    counted: { deepest: 9, drops: listenOverflows, listenOverflows, listenDrops: listenOverflows },
  })
  const bursts = [burst(5, 5, 0), burst(40, 9, 31)]
  const targets = [{ name: 'x', address: SERVER }]
  const probe = written({ ...HEAD, probe: 'backlog', targets, bursts, listener: { limit: 8 } })
  const { finding } = await analyzed('accept-queue-overflow/syn-dropped.server.pcap', probe)
  const found = finding('accept-queue-overflow')
  expect(found?.certainty).toBe('confirmed')
  expect(found!.because.map(({ text }) => text).join()).toContain('31 overflows')
})

test.each([
  ['no JSON', '{'],
  ['an experiment that there is not', { ...HEAD, probe: 'toString', targets: [] }],
  ['a target that is none', { ...HEAD, probe: 'connect', targets: [null] }],
  ['connects without a visit', { ...HEAD, probe: 'connect', targets: [{ address: SERVER }] }],
  [
    'hops that are none',
    {
      ...HEAD,
      probe: 'connect',
      targets: [
        { address: SERVER, verdict: 'refused', visit: { endedMs: 1 }, hops: { answered: 1 } },
      ],
    },
  ],
  [
    'bursts that are none',
    { ...HEAD, probe: 'backlog', targets: [], bursts: [{}], listener: null },
  ],
  [
    'an age that is none',
    { ...HEAD, probe: 'http', targets: [], spent: { connections: 1 }, idle: {} },
  ],
  ['a load without requests', { ...HEAD, probe: 'load', targets: [], failures: [] }],
  ['another result', { schema: 'tcpwhy.probe/1', probe: 'load' }],
  ['times that are none', { schema: 'tcpwhy.probe/1', probe: 'idle', targets: [], startedAt: 'x' }],
  [
    'runs that are none',
    {
      schema: 'tcpwhy.probe/1',
      probe: 'idle',
      startedAt: SOON,
      durationMs: 1,
      targets: [{ address: 'a', runs: [{ longestSurvivedMs: 'long' }] }],
    },
  ],
])('%s is no result', async (_, value) => {
  const capture = 'server-idle-timeout/nginx-reused.pcap'
  await expect(analyzed(capture, written(value))).rejects.toMatchObject({
    code: 'PROBE_RESULT_UNKNOWN',
  })
})

test('a file that is not there is no result', async () => {
  await expect(
    analyzed('server-idle-timeout/nginx-reused.pcap', '/no/such/file'),
  ).rejects.toMatchObject({ code: 'PROBE_RESULT_UNKNOWN' })
})
