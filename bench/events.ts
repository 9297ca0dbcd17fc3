// tsx bench/events.ts (root): what watching the kernel's events costs a host with 1,000 new connections a second, as a share of
// one core. In network and mount namespaces of its own. Wanted: at most 3 %, with a capture of headers beside it 6 %.
import { execFile, execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, release } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { captureHeaders } from '../src/app/capture/headers.ts'
import { watchKernelEvents } from '../src/app/kernel-events.ts'

const RATE = 1_000
const SECONDS = 4
const ROUNDS = 7
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
  /** Of tcpdump. */
  helperShare: number
  packets: number
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
  await measure({ what: 'healthy connections', resetEvery: 0, capture: false, wanted: 0.03 })
  await measure({ what: 'one of 10 is reset', resetEvery: 10, capture: false, wanted: 0.03 })
  await measure({ what: 'with a capture', resetEvery: 0, capture: true, wanted: 0.06 })
}

interface Scene {
  what: string
  resetEvery: number
  capture: boolean
  wanted: number
}

async function measure({ what, resetEvery, capture, wanted }: Scene): Promise<void> {
  const plain: Used[] = []
  const watched: Watched[] = []
  for (let round = 0; round < ROUNDS; round++) {
    plain.push(await withoutWatch(resetEvery))
    watched.push(await withWatch(resetEvery, capture))
  }
  const own = median(watched.map(({ ownShare }) => ownShare))
  // The least of interleaved runs: the same work takes more CPU whenever somebody else is in its caches, never less.
  const alone = Math.min(...plain.map((p) => p.loadShare))
  const kernel = Math.min(...watched.map((w) => w.loadShare)) - alone
  const helper = median(watched.map(({ helperShare }) => helperShare))
  const last = watched.at(-1)!
  console.log()
  console.log(what)
  console.log(
    `  ${Math.round(last.connections / SECONDS)} connections a second, median of ${ROUNDS}`,
  )
  console.log(`  the load itself             ${percent(alone)} of a core`)
  console.log(`  more with the watch         ${percent(kernel)} of a core (in the kernel)`)
  console.log(`  tcpwhy                      ${percent(own)} of a core`)
  if (capture) {
    console.log(
      `  tcpdump                     ${percent(helper)} of a core, ${last.packets} packets`,
    )
  }
  const sum = own + helper + Math.max(0, kernel)
  console.log(`  all, of ${percent(wanted)} wanted       ${percent(sum)}`)
  console.log(
    `  start ${median(watched.map((w) => w.startMs)).toFixed(0)} ms, stop ${median(watched.map((w) => w.stopMs)).toFixed(0)} ms, ${last.events} events counted, ${last.lost} lost`,
  )
}

async function withoutWatch(resetEvery: number): Promise<Used> {
  const { stdout } = await run('python3', [load, RATE, SECONDS, resetEvery].map(String))
  const { connections, cpuS } = JSON.parse(stdout) as { connections: number; cpuS: number }
  return { connections, loadShare: cpuS / SECONDS }
}

async function withWatch(resetEvery: number, capture: boolean): Promise<Watched> {
  const before = performance.now()
  const watch = watchKernelEvents()
  const startMs = performance.now() - before
  const stop = new AbortController()
  const packets = capture ? await capturing(stop.signal) : null
  const cpu = process.cpuUsage()
  const children = childrenS()
  const used = await withoutWatch(resetEvery)
  const { user, system } = process.cpuUsage(cpu)
  const ended = performance.now()
  const facts = watch.stop()
  const stopMs = performance.now() - ended
  stop.abort()
  const captured = (await packets?.()) ?? 0
  if (facts.fromNs === null)
    throw new Error(`nothing was watched: ${JSON.stringify(facts.missing)}`)
  const events = [...facts.counts.values()].reduce((sum, count) => sum + count, 0)
  const ownShare = (user + system) / 1e6 / SECONDS
  const helperShare = capture ? (childrenS() - children) / SECONDS - used.loadShare : 0
  return {
    ...used,
    ownShare,
    helperShare,
    packets: captured,
    startMs,
    stopMs,
    events,
    lost: facts.lost,
  }
}

/** @returns, once packets are captured, what waits for its end and gives how many there were */
function capturing(signal: AbortSignal): Promise<() => Promise<number>> {
  return new Promise((resolve, reject) => {
    const options = { forMs: 60_000, interface: 'lo', signal }
    const ended = captureHeaders({ ...options, onListening: () => resolve(finish) })
    ended.catch(reject)
    const finish = async () => {
      const { packets, remove } = await ended
      remove()
      return packets
    }
  })
}

/** CPU of all children that ended, of /proc/self/stat; 100 ticks a second. */
function childrenS(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[16 - 3]) + Number(fields[17 - 3])) / 100
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
