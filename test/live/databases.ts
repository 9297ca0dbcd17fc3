// tcpwhy probe idle --mysql-ping against a real MariaDB, with and without a password, as a finding prints it; what refuses the login is
// said, after one try; PostgreSQL is said to be no MySQL. As root in a network namespace of its own; mariadb-server, postgresql.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { experimentStep } from '../../src/diagnose/experiment.ts'
import { en } from '../../src/messages/en/index.ts'
import type { IdleReport } from '../../src/probe/idle/report.ts'

const bin = fileURLToPath(new URL('../../bin/tcpwhy.js', import.meta.url))
const MARIADB_PORT = 3306
const POSTGRES_PORT = 5432
/** wait_timeout: MariaDB ends sessions that are idle for so long. */
const LIMIT_S = 4
const PASSWORD = 'geheim 7'
const folder = mkdtempSync(join(tmpdir(), 'tcpwhy-live-databases-'))
const socket = join(folder, 'mariadb.sock')
const servers: ChildProcess[] = []
let checks = 0

function check(name: string, is: () => void): void {
  is()
  checks++
  console.log(`ok ${name}`)
}

function run(words: readonly string[], env: Record<string, string> = {}) {
  const [command = '', ...args] = words
  const options = { encoding: 'utf8', env: { ...process.env, ...env } } as const
  return spawnSync(command, args, options)
}

function must(words: readonly string[]): string {
  const { status, stdout, stderr } = run(words)
  assert.equal(status, 0, `${words.join(' ')}: ${stderr}`)
  return stdout
}

const as = (user: string) => ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups']

function own(name: string, user: string): string {
  const path = join(folder, name)
  mkdirSync(path)
  chownSync(path, Number(must(['id', '-u', user])), Number(must(['id', '-g', user])))
  return path
}

function start(words: readonly string[]): void {
  const [command = '', ...args] = words
  servers.push(spawn(command, args, { stdio: 'ignore' }))
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const isOpen = await new Promise<boolean>((tell) => {
      const probe = connect(port, '127.0.0.1', () => tell(true))
      probe.on('error', () => tell(false))
      probe.on('connect', () => probe.destroy())
    })
    if (isOpen) return
    await new Promise((pass) => setTimeout(pass, 100))
  }
  throw new Error(`nothing listens at port ${port}`)
}

function sql(text: string): string {
  return must(['mariadb', '--no-defaults', '-uroot', '-S', socket, '-N', '-e', text])
}

async function startMariadb(): Promise<void> {
  const data = own('mariadb', 'mysql')
  const place = ['--no-defaults', '--user=mysql', `--datadir=${data}`]
  must(['mariadb-install-db', ...place, '--auth-root-authentication-method=normal'])
  start([
    ...['/usr/sbin/mariadbd', ...place, `--pid-file=${data}/pid`, `--socket=${data}/s`],
    ...[`--port=${MARIADB_PORT}`, '--bind-address=127.0.0.1', `--wait-timeout=${LIMIT_S}`],
  ])
  await listening(MARIADB_PORT)
  must(['ln', '-s', `${data}/s`, socket])
  sql(`CREATE USER 'open'@'127.0.0.1'; CREATE USER 'locked'@'127.0.0.1' IDENTIFIED BY '${PASSWORD}';
    INSTALL SONAME 'auth_ed25519'; CREATE USER 'other'@'127.0.0.1' IDENTIFIED VIA ed25519 USING PASSWORD('${PASSWORD}')`)
}

async function startPostgres(): Promise<void> {
  const data = own('postgres', 'postgres')
  const [version = ''] = readdirSync('/usr/lib/postgresql')
  const programs = `/usr/lib/postgresql/${version}/bin`
  must([...as('postgres'), `${programs}/initdb`, '-D', data, '-A', 'trust'])
  const place = ['-D', data, '-k', data, '-p', `${POSTGRES_PORT}`, '-h', '127.0.0.1']
  start([...as('postgres'), `${programs}/postgres`, ...place])
  await listening(POSTGRES_PORT)
}

/** The command as a finding prints it, of such a silence, and as JSON. */
function printed(port: number): string[] {
  const asked = {
    address: '127.0.0.1',
    port,
    speaks: 'mysql',
    request: null,
    remark: null,
  } as const
  const seen = { experiment: { silenceMs: LIMIT_S * 1000 } }
  const { command = '' } = experimentStep(en['open-transaction'].experiment, asked, seen)
  assert.match(command, /^tcpwhy probe idle 127\.0\.0\.1:\d+ --mysql-ping --max \d+m?s/)
  return [...command.split(' ').slice(1), '--quiet']
}

function ask(port: number, user: string, password: string) {
  const env = { TCPWHY_MYSQL_USER: user, TCPWHY_MYSQL_PASSWORD: password }
  const json = run([process.execPath, bin, ...printed(port), '--json'], env)
  assert.equal(json.stderr, '')
  assert.ok(!json.stdout.includes(PASSWORD), 'the password is not told')
  return { status: json.status, report: JSON.parse(json.stdout) as IdleReport }
}

function finds(user: string, password: string): void {
  const { status, report } = ask(MARIADB_PORT, user, password)
  const [target] = report.targets
  const plain = target?.runs.find((r) => r.keepalive === 'off' && r.traffic === 'none')
  const pinged = target?.runs.find((r) => r.traffic === 'heartbeat')
  check(`${user}: the idle limit of a session is found, and a ping keeps it alive`, () => {
    assert.equal(status, 0, report.conclusion)
    assert.match(target?.banner ?? '', /MariaDB/)
    assert.ok((plain?.longestSurvivedMs ?? 0) < LIMIT_S * 1000 + 100, report.conclusion)
    assert.ok((plain?.shortestDiedMs ?? 0) >= LIMIT_S * 1000, report.conclusion)
    assert.equal(pinged?.shortestDiedMs, null)
  })
}

function refuses(name: string, user: string, password: string, word: RegExp): void {
  const before = deniedLogins()
  const { status, report } = ask(MARIADB_PORT, user, password)
  check(`${name}: said so, after one try`, () => {
    assert.equal(status, 3)
    assert.match(report.conclusion, word)
    assert.equal(report.spent.connections, 1)
    assert.ok(deniedLogins() - before <= 1)
  })
}

function deniedLogins(): number {
  return Number(sql("SHOW GLOBAL STATUS LIKE 'Access_denied_errors'").split('\t')[1])
}

try {
  // Servers of other users look through it.
  chmodSync(folder, 0o755)
  await Promise.all([startMariadb(), startPostgres()])
  finds('open', '')
  finds('locked', PASSWORD)
  refuses('a wrong password', 'locked', 'wrong', /refused the login: TCPWHY_MYSQL_USER/)
  refuses('no password', 'locked', '', /refused the login: TCPWHY_MYSQL_USER/)
  refuses('a way to log in that is not spoken', 'other', PASSWORD, /a way to log in/)
  const { status, report } = ask(POSTGRES_PORT, 'open', '')
  check('PostgreSQL is said to be no MySQL', () => {
    assert.equal(status, 3)
    assert.match(report.conclusion, /no MySQL greets there: .* as PostgreSQL does/)
    assert.equal(report.spent.connections, 1)
  })
} finally {
  for (const server of servers) server.kill('SIGKILL')
  await new Promise((pass) => setTimeout(pass, 300))
  rmSync(folder, { recursive: true, force: true })
}
console.log(`${checks} checks`)
