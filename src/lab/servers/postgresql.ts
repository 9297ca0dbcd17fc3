import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Host } from '../stage/host.ts'
import { run } from '../stage/process.ts'
import type { Stage } from '../stage/stage.ts'
import { cached } from './cache.ts'

const DEBIAN = '/usr/lib/postgresql'
/** PostgreSQL refuses to be root; Debian's packages make this user. */
const AS_POSTGRES = ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', '--']
const ROWS = Array.from({ length: 16 }, (_, n) => `(${n + 1},'new')`).join(',')
const SQL = `CREATE ROLE app LOGIN SUPERUSER;
CREATE TABLE orders (id INT PRIMARY KEY, state VARCHAR(10));
INSERT INTO orders VALUES ${ROWS};
`

/**
 * A PostgreSQL of its own; user app without a password, table orders in database postgres. Port 5432.
 * @param settings  of postgresql.conf, "max_connections=20"
 */
export async function startPostgresql(
  stage: Stage,
  host: Host,
  settings: readonly string[] = [],
): Promise<void> {
  const version = readdirSync(DEBIAN).sort().at(-1)
  const program = (name: string) => `${DEBIAN}/${version}/bin/${name}`
  const empty = await cached(`postgresql-${version}`, async (part) => {
    await run(['chown', 'postgres:', part])
    const data = join(part, 'data')
    await run([...AS_POSTGRES, program('initdb'), '-D', data, '-A', 'trust', '-U', 'postgres'], {
      timeoutMs: 120_000,
    })
    await run([...AS_POSTGRES, program('postgres'), '--single', '-D', data, 'postgres'], {
      input: SQL.replace(/;\n/g, ';\n'),
    })
  })
  const data = stage.path('postgresql')
  await run(['cp', '-a', join(empty, 'data'), data])
  await run(['chown', 'postgres:', data])
  const trust = stage.write('pg_hba.conf', 'host all all 0.0.0.0/0 trust\nlocal all all trust\n')
  await host.spawn(
    [
      ...AS_POSTGRES,
      program('postgres'),
      ...['-D', data, '-p', '5432', '-k', data],
      ...['-c', 'listen_addresses=*', '-c', `hba_file=${trust}`, '-c', 'fsync=off'],
      ...settings.flatMap((setting) => ['-c', setting]),
    ],
    { port: 5432, deadlineMs: 40_000, log: 'postgresql.log' },
  )
}
