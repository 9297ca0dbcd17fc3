import { describe, expect, test } from 'vitest'
import { sieve } from './sieve.ts'

const SECRET = 'hunter2'

function kept(path: string, text: string, command = 'app'): string | null {
  const octets = sieve(path, new TextEncoder().encode(text), () => command)
  return octets === null ? null : new TextDecoder().decode(octets)
}

describe('what goes into a bundle', () => {
  test('what the kernel tells, as it is', () => {
    expect(kept('/proc/net/snmp', 'Tcp: 1\n')).toBe('Tcp: 1\n')
    expect(kept('/proc/7/status', 'Name: x\n')).toBe('Name: x\n')
    expect(kept('/etc/os-release', 'ID=debian\n')).toBe('ID=debian\n')
  })

  test.each(['environ', 'maps', 'smaps', 'mem', 'auxv', 'task/8/environ'])(
    'nothing of /proc/7/%s',
    (name) => expect(kept(`/proc/7/${name}`, SECRET)).toBeNull(),
  )

  test('nothing of files that nobody here reads', () => {
    expect(kept('/root/.ssh/id_rsa', SECRET)).toBeNull()
    expect(kept('/proc/7/root/etc/shadow', SECRET)).toBeNull()
    expect(kept('/proc/7/cwd/.env', SECRET)).toBeNull()
  })

  test('of a command line only options that name configuration, and only of programs that have them', () => {
    const line = `nginx\0-c\0/etc/nginx/x.conf\0-g\0${SECRET}\0`
    expect(kept('/proc/7/cmdline', line, 'nginx')).toBe('-c\0/etc/nginx/x.conf\0')
    expect(kept('/proc/7/cmdline', `mysql\0-p\0${SECRET}\0`, 'mysql')).toBe('')
    expect(kept('/proc/self/cmdline', `x\0${SECRET}\0`)).toBeNull()
  })

  test('of a system call its number and first argument, not where the process lies in memory', () => {
    const call = '43 0x3 0x7ffd1234abcd 0x10 0x0 0x0 0x0 0x7ffd1234ab00 0x7f12345678\n'
    expect(kept('/proc/7/task/8/syscall', call)).toBe('43 0x3 \n')
    expect(kept('/proc/7/task/8/syscall', '0 0x7ffd1234abcd 0x0\n')).toBe('0\n')
    expect(kept('/proc/7/task/8/syscall', 'running\n')).toBe('running\n')
  })

  test('of nginx where it listens, each line at its place', () => {
    const conf = `user www;
http {
  proxy_set_header Authorization "${SECRET}"; # ${SECRET}
  include /etc/nginx/conf.d/*.conf;
  server { listen 443 ssl backlog=64; server_name secret.example; }
}
`
    const events = `events { worker_connections 40; use epoll; }\n`
    expect(kept('/etc/nginx/nginx.conf', events)).toBe('worker_connections 40;\n')
    expect(kept('/proc/7/root/etc/nginx/nginx.conf', conf)).toBe(
      '\n\n\ninclude /etc/nginx/conf.d/*.conf;\nlisten 443 ssl backlog=64;\n\n',
    )
  })

  test('of HAProxy its sections and what decides a backlog', () => {
    const conf = `global\n  maxconn 100\n  stats auth admin:${SECRET}\nfrontend web\n  bind *:80 backlog 5\n`
    expect(kept('/etc/haproxy/haproxy.cfg', conf)).toBe(
      'global\n  maxconn 100\n\nfrontend web\n  bind *:80 backlog 5\n',
    )
  })

  test('of the servers of HAProxy whether they are checked', () => {
    const conf = `backend app\n  server a 10.0.0.1:81 cookie ${SECRET} check inter 2s\n  default-server inter 3s\n`
    expect(kept('/etc/haproxy/haproxy.cfg', conf)).toBe(
      'backend app\n  server a 10.0.0.1:81 check inter 2s\n  default-server inter 3s\n',
    )
  })

  test('of PostgreSQL its limits and what its sessions do', () => {
    const conf = `max_connections = 20\nprimary_conninfo = 'password=${SECRET}'\ninclude_dir 'conf.d'\n`
    expect(kept('/etc/postgresql/15/main/postgresql.conf', conf)).toBe(
      "max_connections = 20\n\ninclude_dir 'conf.d'\n",
    )
    const line = `postgres\0-D\0/data\0-c\0primary_conninfo=${SECRET}\0-c\0max_connections=9\0`
    expect(kept('/proc/7/cmdline', line, 'postgres')).toBe('-D\0/data\0-c\0max_connections=9\0')
    const title = `postgres: ${SECRET} ${SECRET} 10.0.0.5(999) SELECT`
    expect(kept('/proc/7/cmdline', title, 'postgres')).toBe('postgres: 10.0.0.5(999) active\0')
  })

  test('of a container its name, id and process, not its environment', () => {
    const json = {
      Name: '/web',
      State: { Pid: 77, Error: SECRET },
      Config: { Hostname: 'web', Env: [`PASSWORD=${SECRET}`], Cmd: [SECRET] },
    }
    const folder = '/var/lib/docker/containers'
    expect(JSON.parse(kept(`${folder}/ab/config.v2.json`, JSON.stringify(json))!)).toEqual({
      Name: '/web',
      State: { Pid: 77 },
      Config: { Hostname: 'web' },
    })
    const list = [{ id: 'ab', names: ['web'], metadata: SECRET, pid: { nested: SECRET } }]
    const storage = '/var/lib/containers/storage/overlay-containers/containers.json'
    expect(JSON.parse(kept(storage, JSON.stringify(list))!)).toEqual([{ id: 'ab', names: ['web'] }])
    expect(kept(storage, 'no JSON')).toBe('')
    expect(kept('/run/x/init.pid', '77\n')).toBe('77\n')
    expect(kept('/run/x/init.pid', SECRET)).toBeNull()
  })
})
