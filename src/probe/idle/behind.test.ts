import { describe, expect, test } from 'vitest'
import type { InUse } from './advice.ts'
import { withServers } from './behind.ts'
import type { IdleRun, IdleTarget } from './report.ts'

// Whose settings count: a proxy passes on what the server behind it says of itself, and closes by its own clock.

const run = (over: Partial<IdleRun> = {}): IdleRun => ({
  keepalive: 'off',
  traffic: 'none',
  longestSurvivedMs: 5800,
  shortestDiedMs: 6100,
  flavour: 'fin',
  by: 'server',
  attempts: [],
  ...over,
})

const target = (over: Partial<IdleTarget> = {}, ...runs: IdleRun[]): IdleTarget => ({
  name: 'shop',
  address: '10.0.0.9:80',
  banner: 'nginx/1.22.1',
  via: null,
  promisedS: null,
  runs: runs.length === 0 ? [run()] : runs,
  ...over,
})

const listening = (command: string, ids: string[]): InUse => ({
  ids,
  side: 'server',
  why: `${command} serves it`,
  serves: { target: 'shop', command, pid: 7 },
})

const told = (targets: IdleTarget, inUse: InUse[] = []) =>
  withServers(inUse, [targets], 'http').map(({ ids, why }) => `${ids}: ${why}`)

describe('who listens is on this host', () => {
  test('a proxy in front of the server that answers name: its own settings, and that the other is behind it', () => {
    expect(told(target(), [listening('haproxy', ['haproxy'])])).toEqual([
      'haproxy: haproxy (pid 7) listens for shop here, and nginx/1.22.1 (Server) is behind it: what clients meet is the limit of haproxy',
    ])
  })

  test('a proxy without settings of ours: those of the server are told for what they are', () => {
    const [, own] = told(target(), [listening('envoy', [])])
    expect(own).toMatch(
      /^nginx: .* but envoy \(pid 7\) listens there: its idle time-out is what clients meet/,
    )
  })

  test('the very server that answers name, or a program that is no proxy', () => {
    const same = told(target(), [listening('nginx', ['nginx'])])
    expect(same).toEqual([
      'nginx: nginx serves it',
      'nginx: shop says that it is nginx/1.22.1 (Server)',
    ])
    const java = told(target({ banner: 'Jetty(9.4)' }), [listening('java', [])])
    expect(java[1]).toBe('jetty: shop says that it is Jetty(9.4) (Server)')
  })

  test('of another target it says nothing', () => {
    const other = {
      ...listening('haproxy', ['haproxy']),
      serves: { target: 'x', command: 'haproxy', pid: 7 },
    }
    expect(told(target(), [other])).toHaveLength(3)
  })
})

describe('who listens is not seen', () => {
  const heads = (...given: Parameters<typeof target>) =>
    told(target(...given)).map((text) => text.slice(0, 60))

  test('it closes when it promises: the server itself', () => {
    expect(told(target({ promisedS: 6 }))).toEqual([
      'nginx: shop says that it is nginx/1.22.1, and closes when it says: Keep-Alive: timeout=6',
    ])
  })

  test('it closes sooner than it promises: a proxy first, the server second', () => {
    const [first, second] = told(target({ promisedS: 20 }))
    expect(first).toMatch(/^haproxy: shop promises Keep-Alive: timeout=20 and closes sooner/)
    expect(second).toMatch(/^nginx: If it is nginx\/1.22.1 all the same/)
  })

  test('it names a proxy: that one first', () => {
    expect(told(target({ via: '1.1 edge' }))[0]).toMatch(
      /^haproxy: shop answers through a proxy \(1\.1 edge\)/,
    )
  })

  test('nothing tells: both, the server first; longer than promised says nothing either', () => {
    for (const promisedS of [null, 2]) {
      const [first, second] = told(target({ promisedS }))
      expect(first).toMatch(/^nginx: .* nothing else in front of it was seen/)
      expect(second).toMatch(/^haproxy: If a proxy is in front of shop and passes nginx\/1.22.1 on/)
    }
  })

  test('a hop ends them, or nothing does: only what the server says of itself', () => {
    const bare = ['nginx: shop says that it is nginx/1.22.1 (Server)']
    expect(heads({}, run({ by: 'middlebox', flavour: 'silent' }))).toEqual(bare)
    expect(heads({}, run({ by: null, flavour: null, shortestDiedMs: null }))).toEqual(bare)
  })

  test('a database behind a proxy, by its greeting', () => {
    const found = withServers([], [target({ banner: '10.11.6-MariaDB' })], 'mysql-ping')
    expect(found.map(({ ids }) => ids)).toEqual([['mysql'], ['haproxy']])
    expect(found[0]?.why).toContain('(its greeting)')
  })

  test('nobody says what it is', () => {
    expect(told(target({ banner: null }))).toEqual([])
    expect(told(target({ banner: 'shop/1' }))).toEqual([])
  })
})
