import type { Host } from '../stage/host.ts'
import type { Stage } from '../stage/stage.ts'

/** A real HAProxy that passes TCP on, and closes what is idle for `idleMs` on either side. */
export async function startHaproxy(
  stage: Stage,
  host: Host,
  of: {
    listen: string
    port: number
    /** One server, or several that get requests in turn and are checked every second. */
    to: string | readonly string[]
    idleMs: number
    mode?: 'tcp' | 'http'
    /** Where it listens for orders: a path. */
    control?: string
  },
): Promise<void> {
  const { listen, port, to, idleMs, mode = 'tcp', control } = of
  const path = stage.write(
    'haproxy.cfg',
    `global
  maxconn 2000
${control === undefined ? '' : `  stats socket ${control} mode 600 level admin\n`}defaults
  mode ${mode}
  timeout connect 2s
  timeout client ${idleMs}ms
  timeout server ${idleMs}ms
listen front
  bind ${listen}:${port}
${backends(to)}`,
  )
  await host.spawn(['haproxy', '-db', '-f', path], { port })
}

function backends(to: string | readonly string[]): string {
  if (typeof to === 'string') return `  server back ${to}\n`
  const servers = to.map((one, n) => `  server back${n + 1} ${one} check inter 1s fall 2 rise 2\n`)
  return `  balance roundrobin\n  retries 3\n  option httpchk GET /health\n${servers.join('')}`
}
