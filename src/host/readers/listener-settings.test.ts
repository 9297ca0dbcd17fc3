import { describe, expect, test } from 'vitest'
import { hostWith } from '../../../test/helpers/recorded-host.ts'
import { optionWords } from '../config/process-files.ts'
import { listenerSettings, settingOf } from './listener-settings.ts'

const comm = (pid: number, name: string) => ({ [`/proc/${pid}/comm`]: `${name}\n` })
const at = (port: number, address = '0.0.0.0', limit: number | null = null) => ({
  local: { address, port },
  limit,
})

const SOMAXCONN = 4096

function told(files: Record<string, string>, links: Record<string, string> = {}, pid = 7) {
  const facts = listenerSettings.read(hostWith({ files, links }), { pids: [pid] })
  return (port: number, address?: string, limit?: number) =>
    settingOf(at(port, address, limit), pid, facts, SOMAXCONN)
}

describe('nginx', () => {
  const conf = `# a comment with listen 1;
events { worker_connections 10; }
http {
  log_format x '"{listen 2;}" # no comment';
  include sites-enabled/*;
  server { listen 80; listen [::]:80 ipv6only=on backlog=64; server_name a; }
  server {
    listen 80
      default_server
      backlog=1024;
    listen unix:/run/x.sock backlog=3;
  }
}
stream { server { listen 127.0.0.1:5432; } }
`
  const files = {
    ...comm(7, 'nginx'),
    '/proc/7/cmdline': 'nginx: worker process',
    '/proc/7/status': 'Name:\tnginx\nPPid:\t6\n',
    ...comm(6, 'nginx'),
    '/proc/6/cmdline': 'nginx: master process nginx -c /opt/x/nginx.conf -g secret\0',
    '/proc/7/root/opt/x/nginx.conf': conf,
    '/proc/7/root/opt/x/sites-available/one': 'server { listen 8080 backlog=7; }\n',
    '/proc/7/root/opt/x/sites-enabled/.hidden': 'server { listen 8080 backlog=8; }\n',
  }
  // The link is absolute: it leads to the process's own root, not to ours.
  const links = { '/proc/7/root/opt/x/sites-enabled/one': '/opt/x/sites-available/one' }
  const setting = told(files, links)

  test('a worker has its parent’s configuration; one listen speaks for all of its address', () => {
    expect(setting(80)).toEqual({
      pid: 7,
      address: '0.0.0.0',
      port: 80,
      setting: 'listen ... backlog=',
      value: 1024,
      from: 'configuration',
      file: '/opt/x/nginx.conf',
      line: 8,
      fits: null,
    })
    expect(setting(80, '::')).toMatchObject({ value: 64, line: 6 })
  })

  test('includes, through links within its own root', () => {
    expect(setting(8080)).toMatchObject({ value: 7, file: '/opt/x/sites-enabled/one', line: 1 })
  })

  test('without backlog= the default, as a hint', () => {
    expect(setting(5432, '127.0.0.1')).toMatchObject({ value: 511, from: 'default', line: 14 })
  })

  test('a port that stands nowhere', () => {
    expect(setting(9)).toBeNull()
    expect(setting(1)).toBeNull()
    expect(setting(2)).toBeNull()
  })

  test('no configuration to be read: nothing is made up', () => {
    expect(told({ ...comm(7, 'nginx'), '/proc/7/cmdline': 'nginx\0' })(80)).toBeNull()
  })

  test('includes in a circle end', () => {
    const circle = {
      ...comm(7, 'nginx'),
      '/proc/7/cmdline': 'nginx\0-c\0/a.conf\0',
      '/proc/7/root/a.conf': 'listen 80 backlog=5; include /*.conf; include /a.conf;',
    }
    expect(told(circle)(80)?.value).toBe(5)
  })
})

describe('HAProxy: in the order of listener_backlog()', () => {
  const conf = (lines: string) => ({
    ...comm(7, 'haproxy'),
    '/proc/7/cmdline': 'haproxy\0-f\0haproxy.cfg\0',
    '/proc/7/root/etc/h/haproxy.cfg': lines,
  })
  const links = { '/proc/7/cwd': '/etc/h' }

  test.each([
    ['frontend web\n bind :80 backlog 5\n backlog 6\n', 5, 'frontend web: bind ... backlog'],
    ['frontend web\n bind :80\n backlog 6\n maxconn 7\n', 6, 'frontend web: backlog'],
    ['defaults\n backlog 9\nfrontend web\n bind :80\n maxconn 7\n', 9, 'defaults: backlog'],
    ['frontend web\n bind *:80 maxconn 3\n maxconn 7\n', 3, 'frontend web: bind ... maxconn'],
    ['global\n maxconn 20\nlisten w\n bind 10.0.0.1:81,:80 # backlog 1\n', 20, 'global: maxconn'],
  ])('%j', (lines, value, setting) => {
    expect(told(conf(lines), links)(80)).toMatchObject({ value, setting, from: 'configuration' })
  })

  test('nothing said: its default', () => {
    expect(told(conf('frontend w\n bind [::]:80\n'), links)(80, '::')).toMatchObject({
      value: 1024,
      from: 'default',
    })
  })

  test('a worker in a chroot: the configuration of its parent’s root, or ours when it is the same', () => {
    const files = {
      ...comm(7, 'haproxy'),
      '/proc/7/cmdline': 'haproxy\0-D\0-f\0/etc/haproxy/haproxy.cfg\0',
      '/etc/haproxy/haproxy.cfg': 'frontend w\n bind :80 backlog 4\n',
    }
    const same = { '/proc/7/ns/mnt': 'mnt:[1]', '/proc/self/ns/mnt': 'mnt:[1]' }
    expect(told(files, same)(80)?.value).toBe(4)
    expect(told(files, { ...same, '/proc/7/ns/mnt': 'mnt:[2]' })(80)).toBeNull()
  })
})

test('whether it fits the limit that the listener has', () => {
  const files = {
    ...comm(7, 'nginx'),
    '/proc/7/cmdline': 'nginx\0-c\0/a.conf\0',
    '/proc/7/root/a.conf': 'listen 80 backlog=1024; listen 81 backlog=65535; listen 82 backlog=-1;',
  }
  const setting = told(files)
  expect(setting(80, '0.0.0.0', 1024)?.fits).toBe(true)
  expect(setting(80, '0.0.0.0', 511)?.fits).toBe(false) // changed, and not loaded again
  expect(setting(81, '0.0.0.0', SOMAXCONN)?.fits).toBe(true)
  expect(setting(82, '0.0.0.0', SOMAXCONN)?.fits).toBe(true)
})

test('a hint that does not fit is none', () => {
  const setting = told(comm(7, 'java'))
  expect(setting(8080, '0.0.0.0', 50)).toMatchObject({ value: 50, fits: true })
  expect(setting(8080, '0.0.0.0', 100)).toBeNull()
})

test('other programs: a default as a hint', () => {
  expect(told(comm(7, 'node'))(3000)).toMatchObject({ value: 511, from: 'default', file: null })
  expect(told(comm(7, 'php-fpm8.2'))(9000)).toMatchObject({ setting: 'listen.backlog' })
  expect(told(comm(7, 'nodemon'))(3000)).toBeNull()
})

test('of a command line only where the configuration is goes on, and nothing of other programs', () => {
  const line = 'haproxy\0-f\0/a\0--password\0secret\0-f\0/b\0-p\0pid\0-f\0'
  expect(optionWords('haproxy', line)).toEqual(['-f', '/a', '-f', '/b'])
  expect(optionWords('mysql', 'mysql\0-p\0secret\0-c\0x\0')).toEqual([])
})
