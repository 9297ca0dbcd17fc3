import type { ConfiguredListen } from '../facts.ts'

/**
 * What programs pass to listen() when nobody says otherwise, and the setting that says it: a hint, from their
 * documentation or as seen, never proof. null: as large as the kernel lets it be.
 */
const DEFAULTS: Readonly<Record<string, readonly [string, number | null]>> = {
  apache2: ['ListenBacklog', 511],
  gunicorn: ['--backlog', 2048],
  httpd: ['ListenBacklog', 511],
  java: ['acceptCount of Tomcat, or the backlog of ServerSocket', 50],
  mariadbd: ['back_log', null],
  mysqld: ['back_log', null],
  node: ['backlog of server.listen()', 511],
  'php-fpm': ['listen.backlog', 511],
  postgres: ['max_connections', null],
  'redis-server': ['tcp-backlog', 511],
  uvicorn: ['--backlog', 2048],
  uwsgi: ['--listen', 100],
  'valkey-server': ['tcp-backlog', 511],
}

/** By /proc/PID/comm; what stands behind a name in it ("php-fpm7.4", "node-20") does not matter. */
export function defaultListen(command: string): Omit<ConfiguredListen, 'port'> | null {
  const name = Object.keys(DEFAULTS).find(
    (known) =>
      command === known ||
      (/^[-\d.:]+$/.test(command.slice(known.length)) && command.startsWith(known)),
  )
  if (name === undefined) return null
  const [setting, value] = DEFAULTS[name]!
  return { address: null, setting, value, from: 'default', file: null, line: null }
}
