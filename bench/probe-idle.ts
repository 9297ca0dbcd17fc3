// tsx bench/probe-idle.ts [LIMIT_S] [TARGETS]: what many slow silences cost. tcpwhy probe idle looks for a limit of LIMIT_S (120) to 100 ms, so that
// some 300 connections are silent at once for each of TARGETS (1), in a network namespace of its own.
// Processor time of all of tcpwhy, its tcpdumps included, as a share of the time that it took; the highest memory of its process, and of the tcpdumps.
// The issue wants less than 1 % of a core and 80 MB. As root on Linux: ip, tcpdump.
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const limitS = Number(process.argv[2] ?? '120')
const PORTS = Array.from({ length: Number(process.argv[3] ?? '1') }, (_, n) => 8081 + n)
const TICKS_PER_S = 100
const netns = `twidle${process.pid}`
const bin = fileURLToPath(new URL('../bin/tcpwhy.js', import.meta.url))
/** Resets what comes after a longer silence, as a load balancer does: only what is sent tells, so that a whole fan is needed. */
const SERVER = `
const [port, limit] = process.argv.slice(1).map(Number)
require('node:net').createServer({ noDelay: true }, (socket) => {
  let last = Date.now()
  socket.on('error', () => {})
  socket.on('data', () => {
    if (Date.now() - last > limit) return socket.resetAndDestroy()
    last = Date.now()
    socket.write('HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok')
  })
}).listen(port, '127.0.0.1', 4096)`

interface Seen {
  cpuTicks: number
  peakKb: number
  connections: number
}

function fieldsOf(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** proc(5): utime, stime and those of children that were waited for are fields 14 to 17. */
function look(pid: number): Seen {
  const ticks = fieldsOf(pid).slice(11, 15).map(Number)
  const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return {
    cpuTicks: ticks.reduce((a, b) => a + b, 0),
    peakKb: Number(peak ?? 0),
    connections: readdirSync(`/proc/${pid}/fd`).length,
  }
}

function childrenOf(pid: number): number[] {
  const list = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return list === '' ? [] : list.split(' ').map(Number)
}

const inside = (words: readonly string[]) => [`--net=/run/netns/${netns}`, ...words]
spawnSync('ip', ['netns', 'add', netns])
const servers = []
try {
  spawnSync('ip', ['-n', netns, 'link', 'set', 'lo', 'up'])
  for (const port of PORTS) {
    const words = [process.execPath, '-e', SERVER, `${port}`, `${limitS * 1000}`]
    servers.push(spawn('nsenter', inside(words), { stdio: 'ignore' }))
  }
  await new Promise((resolve) => setTimeout(resolve, 1000))
  const targets = PORTS.map((port) => `a${port}=127.0.0.1:${port}`)
  const options = [
    '--http',
    '/',
    '--max',
    `${limitS * 2}s`,
    '--precision',
    '100ms',
    '--json',
    '--quiet',
  ]
  const begin = performance.now()
  const child = spawn(
    'nsenter',
    inside([process.execPath, bin, 'probe', 'idle', ...targets, ...options]),
  )
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text))
  let last: Seen = { cpuTicks: 0, peakKb: 0, connections: 0 }
  let most = 0
  const dumps = new Map<number, Seen>()
  const timer = setInterval(() => {
    try {
      for (const pid of childrenOf(child.pid!)) dumps.set(pid, look(pid))
      last = look(child.pid!)
      most = Math.max(most, last.connections)
    } catch {
      // It has ended.
    }
  }, 500)
  const code = await new Promise((resolve) => child.on('close', resolve))
  clearInterval(timer)
  const wallS = (performance.now() - begin) / 1000
  const { spent, targets: found } = JSON.parse(out)
  const ofDumps = [...dumps.values()].reduce((all, { cpuTicks }) => all + cpuTicks, 0)
  const cpuS = (last.cpuTicks + ofDumps) / TICKS_PER_S
  const limits = found.map(
    (t: { runs: { longestSurvivedMs: number; shortestDiedMs: number }[] }) => {
      const [run] = t.runs
      return `${run?.longestSurvivedMs}-${run?.shortestDiedMs}`
    },
  )
  console.log(`exit code ${code}; limits found ${limits.join(', ')} ms, truth ${limitS * 1000}`)
  console.log(
    `${spent.connections} connections, ${most} descriptors at most, in ${wallS.toFixed(0)} s`,
  )
  console.log(
    `CPU ${cpuS.toFixed(2)} s, of that tcpdump ${(ofDumps / TICKS_PER_S).toFixed(2)} s: ${((100 * cpuS) / wallS).toFixed(2)} % of a core (wanted < 1)`,
  )
  const dumpKb = Math.max(0, ...[...dumps.values()].map(({ peakKb }) => peakKb))
  console.log(
    `memory ${(last.peakKb / 1000).toFixed(0)} MB at most (wanted < 80), each of ${dumps.size} tcpdumps ${(dumpKb / 1000).toFixed(0)} MB`,
  )
} finally {
  for (const one of servers) one.kill('SIGKILL')
  spawnSync('ip', ['netns', 'del', netns])
}
