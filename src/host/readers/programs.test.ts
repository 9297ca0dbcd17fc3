import { describe, expect, test } from 'vitest'
import { hostWith } from '../../../test/helpers/recorded-host.ts'
import { plainTitle, sessionOf } from '../config/postgresql.ts'
import { programs } from './programs.ts'

describe('limits of programs', () => {
  test('of HAProxy: the process, each proxy with where it listens, and the servers that it checks', () => {
    const cfg = `global
  maxconn 200
defaults
  maxconn 50
  default-server inter 3s
frontend web
  bind :80,:81
  default_backend app
listen other
  bind 127.0.0.1:90
  maxconn 5
backend app
  server a 10.0.0.1:9001 check
  server b 10.0.0.2:9001 check inter 500 port 9002 cookie secret
  server c app.example:9001 check inter 1m
  server d 10.0.0.4:9001
`
    const files = {
      '/proc/7/comm': 'haproxy\n',
      '/proc/7/cmdline': 'haproxy\0-f\0/h.cfg\0',
      '/proc/7/root/h.cfg': cfg,
    }
    const [found] = programs.read(hostWith({ files }), { pids: [7] })
    expect(
      found?.limits.map(({ setting, value, ports, line }) => [setting, value, ports, line]),
    ).toEqual([
      ['global: maxconn', 200, null, 2],
      ['defaults: maxconn', 50, [80, 81], 4],
      ['listen other: maxconn', 5, [90], 11],
    ])
    expect(
      found?.checks.map(({ address, port, intervalMs }) => [address, port, intervalMs]),
    ).toEqual([
      ['10.0.0.1', 9001, 3000],
      ['10.0.0.2', 9002, 500],
      [null, 9001, 60_000],
    ])
  })

  test('of nginx: its master stands for its workers', () => {
    const files = {
      '/proc/7/comm': 'nginx\n',
      '/proc/7/status': 'PPid:\t1\n',
      '/proc/7/cmdline': 'nginx: master process nginx -c /n.conf',
      '/proc/7/task/7/children': '8 9 ',
      '/proc/7/root/n.conf': 'events {\n  worker_connections 40;\n}\n',
      '/proc/8/comm': 'nginx\n',
      '/proc/8/status': 'PPid:\t7\n',
      '/proc/9/comm': 'nginx\n',
    }
    const links = { '/proc/8/fd/0': '/dev/null', '/proc/8/fd/3': 'socket:[5]' }
    expect(programs.read(hostWith({ files, links }), { pids: [8, 7] })).toMatchObject([
      {
        pid: 7,
        limits: [{ setting: 'worker_connections', value: 40, file: '/n.conf', line: 2 }],
        workers: [{ pid: 8, open: 2 }, { pid: 9 }],
      },
    ])
  })

  test('of PostgreSQL: the last word wins, and sessions say what they do', () => {
    const files = {
      '/proc/7/comm': 'postgres\n',
      '/proc/7/cmdline': 'postgres\0-c\0config_file=/etc/pg/p.conf\0-c\0password=x\0',
      '/proc/7/task/7/children': '8 9 10 11',
      '/proc/7/root/etc/pg/p.conf':
        "#max_connections = 1\nmax_connections = 20 # few\ninclude_dir = 'conf.d'\n",
      '/proc/7/root/etc/pg/conf.d/a.conf': 'superuser_reserved_connections=5\n',
      '/proc/7/root/data/postgresql.auto.conf': "max_connections = '30'\n",
      '/proc/8/cmdline': 'postgres: 15/main: checkpointer ',
      '/proc/9/cmdline': 'postgres: 15/main: app shop 10.0.0.5(51234) idle in transaction\0\0',
      '/proc/10/cmdline': 'postgres: app shop [local] SELECT',
      '/proc/11/cmdline': 'postgres: app shop fd00::5(999) idle',
    }
    const [found] = programs.read(hostWith({ files, links: { '/proc/7/cwd': '/data' } }), {
      pids: [7],
    })
    expect(found).toMatchObject({
      limits: [{ value: 30, file: '/data/postgresql.auto.conf', line: 1 }],
      reserved: 5,
      sessions: [
        { pid: 9, client: { address: '10.0.0.5', port: 51_234 }, activity: 'idle in transaction' },
        { pid: 10, client: null, activity: 'active' },
        { pid: 11, client: { address: 'fd00::5', port: 999 }, activity: 'idle' },
      ],
    })
  })

  test('of PostgreSQL: a file that includes itself has an end, and what is no number is not believed', () => {
    const include = "include 'postgresql.conf'\n".repeat(50)
    const files = {
      '/proc/7/comm': 'postgres\n',
      '/proc/7/root/data/postgresql.conf': `${include}max_connections = many\nsuperuser_reserved_connections = -1\n`,
    }
    const links = { '/proc/7/cwd': '/data' }
    const [found] = programs.read(hostWith({ files, links }), { pids: [7] })
    expect(found).toMatchObject({ limits: [{ value: 100 }], reserved: 3, sessions: null })
  })

  test('a title is kept without names, and read the same', () => {
    const session = sessionOf('postgres: app secret 10.0.0.5(51234) idle in transaction (aborted)')!
    expect(plainTitle(session)).toBe('postgres: 10.0.0.5(51234) idle in transaction')
    expect(sessionOf(plainTitle(session))).toEqual(session)
    expect(sessionOf('postgres: walwriter')).toBeNull()
    expect(sessionOf('mysqld')).toBeNull()
  })
})
