import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Host } from '../stage/host.ts'
import { run } from '../stage/process.ts'
import type { Stage } from '../stage/stage.ts'
import { cached, copyFolder } from './cache.ts'

/** Small: a whole redo log of 96 MB would only be copied. */
const SIZES = ['--innodb-buffer-pool-size=16M', '--innodb-log-file-size=4M']
const ROWS = Array.from({ length: 16 }, (_, n) => `(${n + 1},'new')`).join(',')
const SQL = `CREATE DATABASE IF NOT EXISTS shop;
CREATE TABLE IF NOT EXISTS shop.orders (id INT PRIMARY KEY, state VARCHAR(10)) ENGINE=InnoDB;
INSERT IGNORE INTO shop.orders VALUES ${ROWS};
CREATE USER IF NOT EXISTS app@'%' IDENTIFIED VIA mysql_native_password USING '';
GRANT ALL ON shop.* TO app@'%';
`

/** A MariaDB of its own, its files in the stage's folder; user app without a password, table shop.orders. Port 3306. */
export async function startMariadb(stage: Stage, host: Host): Promise<void> {
  const empty = await cached('mariadb', async (part) => {
    const words = `mariadb-install-db --no-defaults --user=root --skip-test-db --auth-root-authentication-method=normal --datadir=${join(part, 'data')}`
    await run([...words.split(' '), ...SIZES], { timeoutMs: 120_000 })
  })
  const data = stage.path('mariadb')
  copyFolder(join(empty, 'data'), data)
  const init = stage.path('mariadb-init.sql')
  writeFileSync(init, SQL)
  await host.spawn(
    [
      'mariadbd',
      '--no-defaults',
      '--user=root',
      `--datadir=${data}`,
      `--socket=${stage.path('mariadb.sock')}`,
      `--pid-file=${stage.path('mariadb.pid')}`,
      `--init-file=${init}`,
      '--skip-name-resolve',
      '--port=3306',
      '--max-connections=500',
      ...SIZES,
    ],
    { port: 3306, deadlineMs: 40_000 },
  )
}
