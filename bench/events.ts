// tsx bench/events.ts (root): what watching the kernel's events costs a host with 1,000 new connections a second, as a share of
// one core. In network and mount namespaces of its own. Wanted: at most 3 %.
import { execFile, execFileSync } from 'node:child_process'
import { cpus, loadavg, release } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { watchKernelEvents } from '../src/app/kernel-events.ts'

const RATE = 1_000
const SECONDS = 4
const ROUNDS = 7
const WANTED = 0.03
const load = join(import.meta.dirname, 'connections.py')
const run = promisify(execFile)

interface Used {
  /** Of both ends of the load, in seconds of CPU a second. */
  loadShare: number
  connections: number
}

interface Watched extends Used {
  /** Of this process, while it watched; making and removing the instance not counted. */
  ownShare: number
  startMs: number
  stopMs: number
  events: number
  lost: number
}

async function main(): Promise<void> {
  inNamespaces()
  const [busy] = loadavg()
  console.log(`${new Date().toISOString()}  ${cpus().length} x ${cpus()[0]!.model.trim()}`)
  console.log(`Linux ${release()}, Node ${process.version}, load ${busy!.toFixed(1)} at the start`)
  for (const resetEvery of [0, 10]) await measure(resetEvery)
}

async function measure(resetEvery: number): Promise<void> {
  const plain: Used[] = []
  const watched: Watched[] = []
  for (let round = 0; round < ROUNDS; round++) {
    plain.push(await withoutWatch(resetEvery))
    watched.push(await withWatch(resetEvery))
  }
  const own = median(watched.map(({ ownShare }) => ownShare))
  // The least of interleaved runs: the same work takes more CPU whenever somebody else is in its caches, never less.
  const alone = Math.min(...plain.map((p) => p.loadShare))
  const kernel = Math.min(...watched.map((w) => w.loadShare)) - alone
  const last = watched.at(-1)!
  console.log()
  console.log(
    resetEvery === 0 ? 'healthy connections' : `of ${resetEvery} connections one is reset`,
  )
  console.log(
    `  ${Math.round(last.connections / SECONDS)} connections a second, median of ${ROUNDS}`,
  )
  console.log(
    `  the load itself             ${percent(median(plain.map((p) => p.loadShare)))} of a core`,
  )
  console.log(`  more with the watch         ${percent(kernel)} of a core (in the kernel)`)
  console.log(`  tcpwhy                      ${percent(own)} of a core`)
  console.log(`  both, of ${percent(WANTED)} wanted      ${percent(own + Math.max(0, kernel))}`)
  console.log(
    `  start ${median(watched.map((w) => w.startMs)).toFixed(0)} ms, stop ${median(watched.map((w) => w.stopMs)).toFixed(0)} ms, ${last.events} events counted, ${last.lost} lost`,
  )
}

async function withoutWatch(resetEvery: number): Promise<Used> {
  const { stdout } = await run('python3', [load, RATE, SECONDS, resetEvery].map(String))
  const { connections, cpuS } = JSON.parse(stdout) as { connections: number; cpuS: number }
  return { connections, loadShare: cpuS / SECONDS }
}

async function withWatch(resetEvery: number): Promise<Watched> {
  const before = performance.now()
  const watch = watchKernelEvents()
  const startMs = performance.now() - before
  const cpu = process.cpuUsage()
  const used = await withoutWatch(resetEvery)
  const { user, system } = process.cpuUsage(cpu)
  const ended = performance.now()
  const facts = watch.stop()
  const stopMs = performance.now() - ended
  if (facts.fromNs === null)
    throw new Error(`nothing was watched: ${JSON.stringify(facts.missing)}`)
  const events = [...facts.counts.values()].reduce((sum, count) => sum + count, 0)
  const ownShare = (user + system) / 1e6 / SECONDS
  return { ...used, ownShare, startMs, stopMs, events, lost: facts.lost }
}

/** Once more, where the connections, the trace file system's mount and all else end with this process. */
function inNamespaces(): void {
  if (process.env['TCPWHY_BENCH_INSIDE'] === undefined) {
    const inside = [process.execPath, ...process.execArgv, import.meta.filename]
    execFileSync('unshare', ['--net', '--mount', ...inside], {
      stdio: 'inherit',
      env: { ...process.env, TCPWHY_BENCH_INSIDE: '1' },
    })
    process.exit(0)
  }
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
  execFileSync('mount', ['-t', 'tracefs', 'tracefs', '/sys/kernel/tracing'])
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`.padStart(8)
}

await main()
