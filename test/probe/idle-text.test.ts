import { expect, test } from 'vitest'
import type { IdleAdvice, IdleReport } from '../../src/probe/idle/report.ts'
import { idleText } from '../../src/report/probe/idle-text.ts'

const advice = (over: Partial<IdleAdvice>): IdleAdvice => ({
  id: 'go',
  who: 'Go net/http',
  side: 'client',
  speaks: 'http',
  setting: 'IdleConnTimeout',
  inUse: null,
  ...over,
})

const nginx = { id: 'nginx', who: 'nginx', side: 'server', setting: 'keepalive_timeout' } as const
const hikari = { id: 'hikaricp', who: 'HikariCP', speaks: 'sql', setting: 'keepaliveTime' } as const

function settingsOf(list: IdleAdvice[], request: IdleReport['settings']['request'] = 'http') {
  const settings = { maxMs: 1, precisionMs: 1, keepalive: null, request }
  const report = { conclusion: 'x', targets: [], assumed: [], advice: list, settings }
  return idleText(report as never, { color: false })
    .trimEnd()
    .split('\n')
    .slice(2)
}

test('nothing is known: one table of what speaks this protocol', () => {
  const all = [advice({}), advice(hikari), advice(nginx)]
  expect(settingsOf(all)).toEqual([
    'Settings below the limit',
    '  Go net/http  IdleConnTimeout',
    '',
    'Settings of servers: longer than the limit, so that clients let go first',
    '  nginx  keepalive_timeout',
  ])
  expect(settingsOf(all, 'keepalive-probe')).toHaveLength(6)
})

test('a server that is known leaves the table of clients', () => {
  const all = [
    advice({ ...nginx, inUse: 'its \u001bname' }),
    advice({}),
    advice({ ...nginx, id: 'x' }),
  ]
  expect(settingsOf(all)).toEqual([
    'Settings for what is in use here',
    '  its \\x1bname',
    '    nginx  keepalive_timeout',
    '',
    'Settings below the limit',
    '  Go net/http  IdleConnTimeout',
    '  For others: --for-client NAME (x); --json has all.',
  ])
})

test('a client that is known: others by name; a line that is too long stands whole below', () => {
  const setting = 'a '.repeat(60).trim()
  const all = [advice({ inUse: 'java', setting }), advice({ ...nginx })]
  expect(settingsOf(all)).toEqual([
    'Settings for what is in use here',
    '  java',
    '    Go net/http',
    `      ${setting}`,
    '  For others: --for-client NAME (nginx); --json has all.',
  ])
})
