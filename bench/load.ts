// tsx bench/load.ts: tcpwhy probe load beside ab (apache2-utils), against nginx in a network namespace of its own. The client is alone on one
// core, nginx on another where there is one. Runs alternate, and medians are compared, because the machine is shared. Rates by the processor time
// of the client are told as well: they do not depend on who else runs.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROUNDS = 5
const CONCURRENCY = 50
const PORT = 8080
const URL_ = `http://127.0.0.1:${PORT}/`
const REQUESTS = { keepAlive: 60_000, oneShot: 15_000 }
const bin = fileURLToPath(new URL('../bin/tcpwhy.js', import.meta.url))
const netns = `twbench${process.pid}`
const serverCore = cpus().length > 1 ? '1' : '0'

interface Measured {
  perS: number
  /** Requests by second of the client's processor time. */
  perCpuS: number
}

function inside(words: readonly string[]): string[] {
  return [`--net=/run/netns/${netns}`, ...words]
}

/** Runs to its end on core 0; user and system time by the shell's own `times`. */
function run(words: readonly string[], requests: number): { out: string; cpuS: number } {
  const script = '"$@"; status=$?; times >&2; exit $status'
  const command = inside(['taskset', '-c', '0', 'bash', '-c', script, 'bash', ...words])
  const { status, stdout, stderr } = spawnSync('nsenter', command, {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  })
  if (status !== 0) throw new Error(`${words[0]}: ${stderr}`)
  const [user = '', system = ''] = stderr.trim().split('\n').at(-1)?.split(' ') ?? []
  const cpuS = secondsOf(user) + secondsOf(system)
  if (!(cpuS > 0)) throw new Error(`no times of ${words[0]} for ${requests} requests`)
  return { out: stdout, cpuS }
}

/** "0m1.234s" */
function secondsOf(text: string): number {
  const [, minutes = '0', seconds = '0'] = /^(\d+)m([\d.]+)s$/.exec(text) ?? []
  return Number(minutes) * 60 + Number(seconds)
}

function ab(keepAlive: boolean): Measured {
  const requests = keepAlive ? REQUESTS.keepAlive : REQUESTS.oneShot
  const words = ['ab', '-q', ...(keepAlive ? ['-k'] : []), '-c', `${CONCURRENCY}`, '-n']
  const { out, cpuS } = run([...words, `${requests}`, URL_], requests)
  if (!/Failed requests: +0\n/.test(out)) throw new Error(`ab had failures: ${out}`)
  return { perS: Number(/Requests per second: +([\d.]+)/.exec(out)?.[1]), perCpuS: requests / cpuS }
}

function tcpwhy(keepAlive: boolean): Measured {
  const requests = keepAlive ? REQUESTS.keepAlive : REQUESTS.oneShot
  const { out, cpuS } = run(
    [
      ...[process.execPath, bin, 'probe', 'load', URL_, '-c', `${CONCURRENCY}`],
      ...['-n', `${requests}`, '--json', '--quiet', ...(keepAlive ? [] : ['--one-shot'])],
    ],
    requests,
  )
  const { requests: told } = JSON.parse(out)
  if (told.answered !== requests) throw new Error(`${requests - told.answered} failed`)
  return { perS: told.answeredPerS, perCpuS: requests / cpuS }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

function compare(name: string, keepAlive: boolean, wanted: number): boolean {
  const theirs: Measured[] = []
  const ours: Measured[] = []
  for (let round = 0; round < ROUNDS; round++) {
    theirs.push(ab(keepAlive))
    ours.push(tcpwhy(keepAlive))
  }
  const rate = (of: Measured[]) => median(of.map(({ perS }) => perS))
  const cpu = (of: Measured[]) => median(of.map(({ perCpuS }) => perCpuS))
  const ratio = median(ours.map(({ perS }, i) => perS / theirs[i]!.perS))
  const cpuRatio = median(ours.map(({ perCpuS }, i) => perCpuS / theirs[i]!.perCpuS))
  console.log(
    `${name.padEnd(11)} tcpwhy ${Math.round(rate(ours))}/s, ab ${Math.round(rate(theirs))}/s: ratio ${ratio.toFixed(2)} (wanted ${wanted}); ` +
      `per CPU second, start included: ${Math.round(cpu(ours))} and ${Math.round(cpu(theirs))}, ratio ${cpuRatio.toFixed(2)}`,
  )
  return ratio >= wanted
}

const folder = mkdtempSync(join(tmpdir(), 'tcpwhy-bench-'))
spawnSync('ip', ['netns', 'add', netns])
try {
  spawnSync('ip', ['-n', netns, 'link', 'set', 'lo', 'up'])
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ')
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
    events { worker_connections 4096; } http { access_log off; ${paths} keepalive_requests 10000000;
      server { listen 127.0.0.1:${PORT} backlog=4096; location / { return 200 "hello, this is a small body"; } } }`,
  )
  const command = ['taskset', '-c', serverCore, 'nginx', '-c', join(folder, 'nginx.conf')]
  const server = spawn('nsenter', inside(command), { stdio: 'ignore' })
  await new Promise((resolve) => setTimeout(resolve, 1000))
  console.log(
    `nginx on core ${serverCore}, clients on core 0, ${CONCURRENCY} connections, ${ROUNDS} rounds each`,
  )
  const good = [compare('keep-alive', true, 0.75), compare('one-shot', false, 0.4)]
  process.exitCode = good.every(Boolean) ? 0 : 1
  server.kill('SIGKILL')
} finally {
  spawnSync('ip', ['netns', 'del', netns])
  rmSync(folder, { recursive: true, force: true })
}
