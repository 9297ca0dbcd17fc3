import type { Host } from '../stage/host.ts'
import type { Stage } from '../stage/stage.ts'

/** A real HAProxy that passes TCP on, and closes what is idle for `idleMs` on either side. */
export async function startHaproxy(
  stage: Stage,
  host: Host,
  of: { listen: string; port: number; to: string; idleMs: number; mode?: 'tcp' | 'http' },
): Promise<void> {
  const { listen, port, to, idleMs, mode = 'tcp' } = of
  const path = stage.write(
    'haproxy.cfg',
    `global
  maxconn 2000
defaults
  mode ${mode}
  timeout connect 2s
  timeout client ${idleMs}ms
  timeout server ${idleMs}ms
listen front
  bind ${listen}:${port}
  server back ${to}
`,
  )
  await host.spawn(['haproxy', '-db', '-f', path], { port })
}
