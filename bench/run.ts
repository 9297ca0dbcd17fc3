// npm run bench: how fast and how big, as ratios to other programs in the same run. What the figures mean: docs/performance.md
import { execFileSync, spawnSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { type Captures, installMissing, makeCaptures } from './make-capture.ts'

const RUNS = 5
/** Of the two that are compared with each other on the header-only capture. */
const PAIRS = 11
const START_RUNS = 21
/** Pairs at the end of the start runs that are also told by themselves. */
const LATE_RUNS = 7
/** TCPWHY_BENCH_REALTIME=1: every program before all else on the machine, for a machine that others use too. */
const ahead = process.env['TCPWHY_BENCH_REALTIME'] === '1' ? ['chrt', '-f', '10'] : []
const root = join(import.meta.dirname, '..')
const cli = join(root, 'bin/tcpwhy.js')
const scratch = mkdtempSync(join(tmpdir(), 'tcpwhy-bench-run-'))
const nowhere = openSync('/dev/null', 'w')

interface Measured {
  wallMs: number
  rssMb: number
}

interface Program {
  name: string
  /** Program and arguments for this file. */
  command: (file: string) => string[]
}

const tcpwhy: Program = {
  name: 'tcpwhy',
  command: (file) => [process.execPath, cli, '--json', file],
}
const tshark: Program = {
  name: 'tshark',
  command: (file) => ['tshark', '-n', '-q', '-z', 'conv,tcp', '-r', file],
}
const tcptrace: Program = { name: 'tcptrace', command: (file) => ['tcptrace', '-n', file] }
const argus: Program = {
  name: 'argus',
  command: (file) => ['argus', '-r', file, '-w', join(scratch, 'argus.out')],
}
const nfpcapd: Program = {
  name: 'nfpcapd',
  command: (file) => ['nfpcapd', '-r', file, '-w', folderFor('nfpcapd')],
}
const cat: Program = { name: 'cat', command: (file) => ['cat', file] }

const lines: string[] = []
function say(line = ''): void {
  console.log(line)
  lines.push(line)
}

function main(): void {
  installMissing({
    tshark: 'tshark',
    tcptrace: 'tcptrace',
    argus: 'argus-server',
    nfpcapd: 'nfdump',
    time: 'time',
  })
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: ['ignore', 'ignore', 2] })
  const captures = makeCaptures()
  describe(captures)
  const headers = compare('header-only', captures.headers, [tcpwhy, nfpcapd, argus, tcptrace, cat])
  const ratio = pairs(captures.headers)
  const slow = measure(tshark.command(captures.headers))
  say(row('  tshark (one run)', slow, headers.get('tcpwhy')!))
  const full = compare('full-size', captures.full, [tcpwhy, nfpcapd, argus, cat])
  compare('an incident, 27,000 of 100,000 connections died', captures.incident, [
    tcpwhy,
    nfpcapd,
    argus,
    tcptrace,
  ])
  const tripled = measure(tcpwhy.command(captures.tripled))
  const flood = measure(tcpwhy.command(captures.flood))
  const start = startUp(captures.small)

  const own = headers.get('tcpwhy')!
  say()
  say(`${'target'.padEnd(66)} ${'wanted'.padStart(9)} ${'measured'.padStart(9)}`)
  target(`wall / nfpcapd, header-only, median of ${PAIRS} pairs`, 0.6, ratio.median)
  target('  the same, stretch', 0.4, ratio.median)
  target('times faster than tshark, header-only', 50, slow.wallMs / ratio.ownMs, 'at least')
  target('wall / nfpcapd, full-size', 1, full.get('tcpwhy')!.wallMs / full.get('nfpcapd')!.wallMs)
  target('peak MB, header-only', 300, own.rssMb)
  target('peak MB, full-size', 300, full.get('tcpwhy')!.rssMb)
  target('peak, the same traffic three times over / once', 1.15, tripled.rssMb / own.rssMb)
  target('peak MB, 5 million half-open SYNs', 600, flood.rssMb)
  target('wall of 20 packets / node -e 0', 1.6, start.all)
  target(`  the same, last ${LATE_RUNS} pairs`, 1.6, start.late)
}

function describe(captures: Captures): void {
  const about = (path: string) => `${(statSync(path).size / 1e6).toFixed(0)} MB`
  const [load] = loadavg()
  say(`${new Date().toISOString()}  ${cpus().length} x ${cpus()[0]!.model.trim()}`)
  say(
    `Linux ${release()}, ${(totalmem() / 2 ** 30).toFixed(0)} GB, Node ${process.version}, ` +
      `tcpwhy ${git('rev-parse', '--short', 'HEAD')}`,
  )
  const busy =
    load! > 1 ? '  BUSY: others were at work, ratios are rough and times mean little' : ''
  say(`load ${load!.toFixed(1)} at the start${busy}`)
  if (ahead.length > 0) say('every program ran with real-time priority, before the others')
  const counts = countsOf(captures.headers)
  say(`captures: ${counts}; header-only ${about(captures.headers)}, full ${about(captures.full)}`)
}

function git(...args: string[]): string {
  return String(spawnSync('git', args, { cwd: root }).stdout).trim() || '?'
}

/** By tcpwhy itself, which also brings the file into the page cache. */
function countsOf(file: string): string {
  const out = execFileSync(process.execPath, [cli, '--json', file], { maxBuffer: 1 << 28 })
  const report = JSON.parse(String(out)) as {
    sources: { counts: { frames: number } }[]
    connections: { total: number }
  }
  const frames = report.sources[0]!.counts.frames
  return `${frames.toLocaleString('en')} packets, ${report.connections.total.toLocaleString('en')} connections`
}

/** tcpwhy and nfpcapd in turn. @returns the median of their ratios, and of tcpwhy's times */
function pairs(file: string): { median: number; ownMs: number } {
  const ratios: number[] = []
  const own: number[] = []
  for (let i = 0; i < PAIRS; i++) {
    const [mine, other] = [measure(tcpwhy.command(file)), measure(nfpcapd.command(file))]
    ratios.push(mine.wallMs / other.wallMs)
    own.push(mine.wallMs)
  }
  const sorted = [...ratios].sort((a, b) => a - b)
  const span = `${sorted[0]!.toFixed(2)} to ${sorted.at(-1)!.toFixed(2)}`
  say(`  tcpwhy / nfpcapd in ${PAIRS} pairs: median ${median(ratios).toFixed(2)}, ${span}`)
  return { median: median(ratios), ownMs: median(own) }
}

/** Interleaved, so that what else the machine does falls on all alike. @returns medians by program */
function compare(what: string, file: string, programs: readonly Program[]): Map<string, Measured> {
  spawnSync('cat', [file], { stdio: ['ignore', nowhere, 'inherit'] })
  const runs = new Map<string, Measured[]>(programs.map((p) => [p.name, []]))
  for (let round = 0; round < RUNS; round++) {
    for (const p of programs) runs.get(p.name)!.push(measure(p.command(file)))
  }
  const medians = new Map<string, Measured>()
  for (const [name, measured] of runs) {
    medians.set(name, {
      wallMs: median(measured.map((m) => m.wallMs)),
      rssMb: Math.max(...measured.map((m) => m.rssMb)),
    })
  }
  say()
  say(`${what}, median of ${RUNS} interleaved runs, warm cache; peak: the highest of them`)
  say(
    `  ${'program'.padEnd(18)} ${'s'.padStart(8)} ${'peak MB'.padStart(9)} ${'wall / tcpwhy'.padStart(14)}`,
  )
  for (const [name, m] of medians) say(row(`  ${name}`, m, medians.get('tcpwhy')!))
  return medians
}

function row(name: string, m: Measured, own: Measured): string {
  const [s, mb] = [(m.wallMs / 1000).toFixed(2), m.rssMb.toFixed(0)]
  const ratio = (m.wallMs / own.wallMs).toFixed(2)
  return `${name.padEnd(20)} ${s.padStart(8)} ${mb.padStart(9)} ${ratio.padStart(14)}`
}

function target(
  what: string,
  wanted: number,
  measured: number,
  how: 'at most' | 'at least' = 'at most',
) {
  const met = how === 'at most' ? measured <= wanted : measured >= wanted
  const digits = wanted >= 50 ? 0 : 2
  const sign = how === 'at most' ? '<=' : '>='
  const line = `${what.padEnd(66)} ${`${sign} ${wanted}`.padStart(9)} ${measured.toFixed(digits).padStart(9)}`
  say(`${line}  ${met ? 'met' : 'MISSED'}`)
}

/** Wall time and peak memory of one run, its output thrown away. @throws Error when the program itself failed */
function measure(command: readonly string[]): Measured {
  const about = join(scratch, 'time')
  rmSync(join(scratch, 'argus.out'), { force: true }) // argus appends
  const before = performance.now()
  const timed = [...ahead, 'time', '-f', '%M', '-o', about, ...command]
  const done = spawnSync(timed[0]!, timed.slice(1), {
    stdio: ['ignore', nowhere, 'pipe'],
  })
  const wallMs = performance.now() - before
  // 1 and 3 are verdicts of tcpwhy; the others give 0.
  if (done.status === null || (done.status !== 0 && !command.includes(cli)) || done.status === 2) {
    throw new Error(`${command.join(' ')} failed: ${done.stderr}`)
  }
  return { wallMs, rssMb: Number(readFileSync(about, 'utf8').trim().split('\n').at(-1)) / 1024 }
}

/** @returns wall time of a 20-packet capture over that of an empty script, medians of the ratios of interleaved runs */
function startUp(small: string): { all: number; late: number } {
  const wall = (args: string[]) => {
    const before = performance.now()
    const command = [...ahead, process.execPath, ...args]
    spawnSync(command[0]!, command.slice(1), { stdio: ['ignore', nowhere, nowhere] })
    return performance.now() - before
  }
  const own: number[] = []
  const empty: number[] = []
  for (let i = 0; i < START_RUNS; i++) {
    empty.push(wall(['-e', '0']))
    own.push(wall([cli, '--json', small]))
  }
  say()
  say(
    `start: ${median(own).toFixed(0)} ms for 20 packets, ${median(empty).toFixed(0)} ms for node -e 0`,
  )
  const ratios = own.map((ms, i) => ms / empty[i]!)
  return { all: median(ratios), late: median(ratios.slice(-LATE_RUNS)) }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!
}

function folderFor(name: string): string {
  const path = join(scratch, name)
  mkdirSync(path, { recursive: true })
  return path
}

/** The first result of a machine is worth keeping in git; which kind of machine is said by TCPWHY_BENCH_HOST. */
function keep(): void {
  const kind = process.env['TCPWHY_BENCH_HOST'] ?? `${process.arch}-${cpus().length}-cores`
  const results = join(import.meta.dirname, 'results')
  mkdirSync(results, { recursive: true })
  const file = join(results, `${new Date().toISOString().slice(0, 10)}-${kind}.txt`)
  writeFileSync(file, `${lines.join('\n')}\n`)
  console.error(`written: ${file}`)
}

try {
  main()
  keep()
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
