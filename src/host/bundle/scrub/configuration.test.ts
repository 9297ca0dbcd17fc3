import { expect, test } from 'vitest'
import { limitsOnly } from './configuration.ts'

const SECRET = 'shop-payments'

test('HAProxy: limits, ports and checks, no names', () => {
  const kept = limitsOnly(
    '/proc/7/root/etc/haproxy/haproxy.cfg',
    `global
  maxconn 20
defaults ${SECRET}
frontend ${SECRET}
  bind 10.0.0.1:80 name ${SECRET} maxconn 9
  bind ${SECRET}.example:81
backend ${SECRET}
  server ${SECRET} 10.0.0.2:9001 check inter 500
  server b ${SECRET}.example:9001 check
  default-server inter 3s
`,
  )
  expect(kept).not.toContain(SECRET)
  expect(kept).toBe(`global
  maxconn 20
defaults
frontend x4
  bind 10.0.0.1:80 maxconn 9

backend x7
  server x8 10.0.0.2:9001 check inter 500

  default-server inter 3s
`)
})

test('nginx and PostgreSQL: numbers only, and no other files', () => {
  const nginx = `worker_connections 40;\ninclude ${SECRET}.conf;\nlisten 10.0.0.1:443 ssl backlog=64;\nlisten ${SECRET}:80;\n`
  expect(limitsOnly('/etc/nginx/nginx.conf', nginx)).toBe(
    'worker_connections 40;\n\nlisten 10.0.0.1:443 backlog=64;\n\n',
  )
  expect(limitsOnly(`/etc/nginx/sites-enabled/${SECRET}.conf`, nginx)).toBeNull()
  const postgres = `max_connections = 20\ninclude_dir '${SECRET}'\nsuperuser_reserved_connections=3`
  expect(limitsOnly('/data/postgresql.conf', postgres)).toBe(
    'max_connections = 20\n\nsuperuser_reserved_connections=3',
  )
  expect(limitsOnly('/data/postgresql.conf', `include '${SECRET}'`)).toBeNull()
})
