import { describe, expect, test } from 'vitest'
import { adviceOf, type InUse } from './advice.ts'
import type { IdleRun, IdleTarget } from './report.ts'

const run = (over: Partial<IdleRun>): IdleRun => ({
  keepalive: 'off',
  traffic: 'none',
  longestSurvivedMs: 1_798_000,
  shortestDiedMs: 1_801_000,
  flavour: 'reset',
  by: 'middlebox',
  attempts: [],
  ...over,
})
const target = (...runs: IdleRun[]): IdleTarget => ({
  name: 'vip',
  address: '10.0.0.9:80',
  banner: null,
  via: null,
  promisedS: null,
  runs,
})

function linesOf(targets: IdleTarget[], inUse: InUse[] = []): Record<string, string[]> {
  const lines: Record<string, string[]> = {}
  for (const { id, side, setting } of adviceOf(targets, inUse)) {
    const list = lines[`${id} ${side}`] ?? []
    list.push(setting)
    lines[`${id} ${side}`] = list
  }
  return lines
}

describe('the exact lines, with what was measured in them', () => {
  test('a hop that forgets after half an hour: pools below four fifths, keepalive every minute', () => {
    const lines = linesOf([target(run({}))])
    expect(lines['go client']).toEqual([
      'http.Transport{IdleConnTimeout: 1438 * time.Second}',
      'net.Dialer{KeepAlive: 60 * time.Second}',
    ])
    expect(lines['java client']?.[0]).toBe('-Djdk.httpclient.keepalive.timeout=1438')
    expect(lines['undici client']).toEqual([
      'new Agent({ keepAliveTimeout: 1438400, keepAliveMaxTimeout: 1438400 })',
    ])
    expect(lines['hikaricp client']).toEqual(['keepaliveTime=719200'])
    expect(lines['mysql2 client']).toEqual([
      'mysql.createPool({ connectionLimit: 10, maxIdle: 9, idleTimeout: 1438400, enableKeepAlive: true, keepAliveInitialDelay: 60000 })',
    ])
    expect(lines['go-sql-driver client']).toEqual(['db.SetConnMaxIdleTime(1438 * time.Second)'])
    expect(lines['sqlalchemy client']).toEqual([
      'create_engine(url, pool_recycle=1438, pool_pre_ping=True)',
    ])
    expect(lines['linux host']).toEqual([
      'sysctl -w net.ipv4.tcp_keepalive_time=60 net.ipv4.tcp_keepalive_intvl=30 net.ipv4.tcp_keepalive_probes=5',
    ])
    expect(lines['nginx server']).toEqual([
      'keepalive_timeout 1811s 1438s;',
      'listen 80 so_keepalive=60s:30s:5;',
    ])
    expect(lines['haproxy server']).toEqual([
      'timeout client 1811s',
      'timeout http-keep-alive 1811s',
      'option clitcpka',
      'clitcpka-idle 60s',
      'clitcpka-intvl 30s',
    ])
  })

  test('nginx listens where clients go to', () => {
    const at = (address: string) =>
      adviceOf([{ ...target(run({})), address }], []).map(({ setting }) => setting)
    expect(at('10.0.0.9:84')).toContain('listen 84 so_keepalive=60s:30s:5;')
    expect(at('[2001:db8::9]:443')).toContain('listen 443 so_keepalive=60s:30s:5;')
  })

  test.each([
    ['a server that closes by itself', { by: 'server', flavour: 'fin' }, []],
    ['a hop that heeds data only', {}, [run({ keepalive: '60/60/5' })]],
  ] as const)('%s: nothing of TCP keepalive', (_, over, more) => {
    const all = adviceOf([target(run(over), ...more)], [])
    expect(all.length).toBeGreaterThan(10)
    for (const { setting } of all)
      expect(setting).not.toMatch(/tcp_keepalive|so_keepalive|KEEPIDLE|tcpka|KeepAlive:/)
  })

  test('HikariCP takes nothing below 30 s, and keepaliveTime below maxLifetime', () => {
    const of = (longestSurvivedMs: number) =>
      linesOf([target(run({ longestSurvivedMs, shortestDiedMs: longestSurvivedMs + 500 }))])
    expect(of(60_000)['hikaricp client']).toEqual(['maxLifetime=48000'])
    expect(of(80_000)['hikaricp client']).toEqual(['keepaliveTime=32000'])
    expect(of(10_000)['hikaricp client']?.[0]).toMatch(/^# HikariCP takes nothing below 30 s/)
  })

  test('a limit below a second still gives lines that programs take', () => {
    const lines = linesOf([target(run({ longestSurvivedMs: 700, shortestDiedMs: 900 }))])
    expect(lines['go client']?.[0]).toBe('http.Transport{IdleConnTimeout: 560 * time.Millisecond}')
    expect(lines['java client']?.[0]).toMatch(/^# takes whole seconds only/)
    expect(lines['linux host']).toBeUndefined()
    expect(lines['nginx server']?.[0]).toBe('keepalive_timeout 11s;')
  })
})

test('what is in use comes first, with why; a server that is recognised is not the client of that name', () => {
  const inUse: InUse[] = [
    { ids: ['nginx'], side: 'server', why: 'the banner' },
    { ids: ['okhttp'], why: '--for-client' },
  ]
  const all = adviceOf([target(run({}))], inUse)
  const used = all.filter(({ inUse: why }) => why !== null)
  expect(used.map(({ id, side, inUse: why }) => `${id} ${side} ${why}`)).toEqual([
    'okhttp client --for-client',
    'nginx server the banner',
    'nginx server the banner',
  ])
  expect(all.slice(0, used.length)).toEqual(used)
})

test('no limit, no settings', () => {
  expect(adviceOf([target(run({ shortestDiedMs: null, flavour: null, by: null }))], [])).toEqual([])
})
