// npx tsx bench/capture.ts [SECONDS]: what `tcpwhy capture` costs on a host with 1,000 new connections a second, as root on Linux:
// processor time of tcpwhy and of its tcpdump, after a warm-up, in a network namespace of its own. Build first.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const RATE = 1000
const WARM_UP_S = 5
/** The kernel counts processor time in these: sysconf(_SC_CLK_TCK) is 100 on all of Linux. */
const TICKS_PER_S = 100
const LIMIT_PERCENT = 6
const NETNS = `tcpwhy-bench-${process.pid}`
const root = fileURLToPath(new URL('..', import.meta.url))
const seconds = Number(process.argv[2] ?? 20)

/** A server and its clients: a connection, 150 octets, an answer of 1,000, and the end. */
const LOAD = `
const net = require('node:net')
net.createServer((s) => { s.on('data', () => s.end(Buffer.alloc(1000))); s.on('error', () => {}) })
  .listen(9999, '127.0.0.1', 4096, () => {
    let made = 0
    const start = performance.now()
    setInterval(() => {
      const due = ((performance.now() - start) * ${RATE}) / 1000
      for (; made < due; made++) {
        const client = net.connect(9999, '127.0.0.1').on('error', () => {}).resume()
        client.write(Buffer.alloc(150))
      }
    }, 5)
  })`

const WAYS: Record<string, readonly string[]> = {
  'to a file': [],
  'into a ring, all triggers armed': [
    ...['--ring', '10s', '--trigger', 'reset-burst:100000', '--trigger', 'overflow'],
    ...['--trigger', 'close-wait:100000', '--trigger', 'log:/var/log/dpkg.log:never seen'],
  ],
}

execFileSync('ip', ['netns', 'add', NETNS])
const folder = mkdtempSync(join(tmpdir(), 'tcpwhy-bench-capture-'))
const children: ChildProcess[] = []
try {
  execFileSync('ip', ['-n', NETNS, 'link', 'set', 'lo', 'up'])
  start('ip', ['netns', 'exec', NETNS, process.execPath, '-e', LOAD])
  console.log(`${RATE} new connections/s for ${seconds} s; load average ${loadavg()[0]}`)
  let nth = 0
  for (const [name, args] of Object.entries(WAYS)) await measure(name, args, nth++)
} finally {
  for (const child of children) child.kill('SIGKILL')
  execFileSync('ip', ['netns', 'del', NETNS])
  rmSync(folder, { recursive: true, force: true })
}

async function measure(name: string, args: readonly string[], nth: number): Promise<void> {
  const output = join(folder, `${nth}.pcapng`)
  const where = ['--netns', NETNS, '-w', output]
  const tcpwhy = start(process.execPath, ['bin/tcpwhy.js', 'capture', ...where, ...args])
  await sleep(WARM_UP_S * 1000)
  const tcpdump = childOf(tcpwhy.pid!)
  const before = { tcpwhy: ticks(tcpwhy.pid!), tcpdump: ticks(tcpdump), packets: sent() }
  await sleep(seconds * 1000)
  const percent = (now: number, was: number) => ((now - was) / TICKS_PER_S / seconds) * 100
  const own = percent(ticks(tcpwhy.pid!), before.tcpwhy)
  const helper = percent(ticks(tcpdump), before.tcpdump)
  const rate = Math.round((sent() - before.packets) / seconds)
  const ended = new Promise((resolve) => tcpwhy.on('exit', resolve))
  tcpwhy.kill('SIGTERM')
  await ended
  const total = own + helper
  console.log(
    `${name}: ${total.toFixed(1)} % of a core (tcpwhy ${own.toFixed(1)}, tcpdump ${helper.toFixed(1)}) ` +
      `at ${rate} packets/s; limit ${LIMIT_PERCENT} %`,
  )
}

function start(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  children.push(child)
  return child
}

function ticks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
  return Number(user) + Number(system)
}

function childOf(parent: number): number {
  const found = readdirSync('/proc').find((name) => {
    if (!/^\d+$/.test(name)) return false
    try {
      return new RegExp(`^PPid:\\t${parent}$`, 'm').test(
        readFileSync(`/proc/${name}/status`, 'utf8'),
      )
    } catch {
      return false
    }
  })
  if (found === undefined) throw new Error('no tcpdump')
  return Number(found)
}

/** Packets that the namespace's loopback carried. */
function sent(): number {
  const text = execFileSync('ip', ['-n', NETNS, '-s', '-j', 'link', 'show', 'lo'], {
    encoding: 'utf8',
  })
  return JSON.parse(text)[0].stats64.tx.packets
}
