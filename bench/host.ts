// npm run bench:host: one look at a host with 100,000 sockets against `ss`, in the same run. Root, in a network namespace
// of its own. What the figures mean: docs/performance.md
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'tsdown'

/** A dozen processes, because one may have 20,000 descriptors where this was made. */
const PAIRS = 6
const CONNECTIONS = 8_333
const RUNS = Number(process.env['TCPWHY_BENCH_RUNS'] ?? 5)
const WATCHED_MS = 500
const INSIDE = 'TCPWHY_BENCH_INSIDE'
const root = join(import.meta.dirname, '..')
const folder = join(root, '.tmp/bench-host')
const look = join(folder, 'host-look.js')

interface Look {
  ms: number
  rssMb: number
  source: string
  sockets: number
  owned: number
  processes: number
}

if (process.env[INSIDE] === undefined) await outside()
else await inside()

async function outside(): Promise<void> {
  await build({
    entry: { 'host-look': join(root, 'bench/host-look.ts') },
    config: false,
    platform: 'node',
    fixedExtension: false,
    outDir: folder,
    dts: false,
    logLevel: 'warn',
  })
  const tsx = join(root, 'node_modules/.bin/tsx')
  const ended = spawnSync('unshare', ['--net', tsx, import.meta.filename], {
    stdio: 'inherit',
    env: { ...process.env, [INSIDE]: '1' },
  })
  process.exitCode = ended.status ?? 1
}

async function inside(): Promise<void> {
  spawnSync('ip', ['link', 'set', 'lo', 'up'])
  const argv = [join(root, 'bench/hold_sockets.py'), String(PAIRS), String(CONNECTIONS)]
  const holders = spawn('python3', argv, { stdio: ['pipe', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: holders.stdout })) {
    if (line === 'ready') break
  }
  try {
    report(measure())
  } finally {
    holders.stdin.end()
    await new Promise((resolve) => holders.once('close', resolve))
  }
}

interface Measured {
  facts: Look[]
  whole: Look[]
  ssMs: number[]
  ssOwnersMs: number[]
  /** Seconds of processor time of `ss -tanpie`. */
  ssOwnersCpu: number[]
  /** `tcpwhy snapshot` as it is typed: two looks 3 s apart, written to a file. */
  bundles: Bundle[]
  /** The whole answer of `tcpwhy diagnose`, without the time that it watches. */
  answers: Answer[]
}

interface Bundle {
  ms: number
  cpu: number
  rssMb: number
}

interface Answer {
  ms: number
  rssMb: number
  findings: number
}

/** In turn, so that whoever shares the machine disturbs all of them alike. */
function measure(): Measured {
  const measured: Measured = {
    facts: [],
    whole: [],
    ssMs: [],
    ssOwnersMs: [],
    ssOwnersCpu: [],
    answers: [],
    bundles: [],
  }
  for (let run = 0; run < RUNS; run++) {
    measured.ssMs.push(timed('ss', ['-tanie']).ms)
    measured.facts.push(looked('facts'))
    const owners = timed('ss', ['-tanpie'])
    measured.ssOwnersMs.push(owners.ms)
    measured.ssOwnersCpu.push(owners.cpu)
    measured.whole.push(looked('whole'))
    measured.answers.push(answer())
    measured.bundles.push(bundle())
  }
  return measured
}

/** Wall, processor time and peak memory; what it prints is thrown away. */
function timed(program: string, argv: readonly string[]): Bundle {
  const before = performance.now()
  const ended = spawnSync('/usr/bin/time', ['-f', '%U %S %M', program, ...argv], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  })
  const ms = performance.now() - before
  if (ended.status !== 0) throw new Error(`${program} ${argv.join(' ')} failed: ${ended.stderr}`)
  const last = ended.stderr.trim().split('\n').at(-1) ?? ''
  const [user = 0, system = 0, kilobytes = 0] = last.split(' ').map(Number)
  return { ms, cpu: user + system, rssMb: kilobytes / 1024 }
}

/** The scene of this namespace, packed; the file is removed again. */
function bundle(): Bundle {
  const file = join(folder, 'scene.tar.gz')
  const netns = ['--netns', `/proc/${process.pid}/ns/net`]
  const argv = [join(root, 'bin/tcpwhy.js'), 'snapshot', '--quiet', '-o', file, ...netns]
  try {
    return timed(process.execPath, argv)
  } finally {
    rmSync(file, { force: true })
  }
}

/** GNU time tells the peak of memory. Two looks, the kernel's events, every cause, the report. */
function answer(): Answer {
  const cli = join(root, 'bin/tcpwhy.js')
  const argv = ['diagnose', '--json', '--no-packets', '--for', `${WATCHED_MS}ms`]
  const before = performance.now()
  const ended = spawnSync(
    '/usr/bin/time',
    ['-f', '%M', process.execPath, cli, ...argv, '--netns', `/proc/${process.pid}/ns/net`],
    { encoding: 'utf8', maxBuffer: 1 << 30 },
  )
  const ms = performance.now() - before - WATCHED_MS
  const { findings } = JSON.parse(ended.stdout) as { findings: unknown[] }
  return {
    ms,
    rssMb: Number(ended.stderr.trim().split('\n').at(-1)) / 1024,
    findings: findings.length,
  }
}

function looked(what: 'facts' | 'whole'): Look {
  const ended = spawnSync(process.execPath, [look, what], { encoding: 'utf8' })
  if (ended.status !== 0) throw new Error(ended.stderr)
  return JSON.parse(ended.stdout) as Look
}

function report(measured: Measured): void {
  const { facts, whole, ssMs: ss, ssOwnersMs, ssOwnersCpu, answers, bundles } = measured
  const of = (looks: readonly Look[]) => median(looks.map(({ ms }) => ms))
  const [first] = whole
  const rssMb = Math.max(...[...facts, ...whole, ...answers].map((one) => one.rssMb))
  const answerMs = median(answers.map(({ ms }) => ms))
  const lines = [
    `tcpwhy bench:host · Node ${process.version} · Linux ${release()} · ${cpus().length} CPUs, load ${loadavg()[0]?.toFixed(1)}`,
    `${first?.sockets} sockets by ${first?.source}, ${2 * PAIRS} processes; medians of ${RUNS} runs, taken in turn`,
    '',
    line('facts of all sockets', of(facts), 'ss -tanie >/dev/null', median(ss)),
    line(`... and ${first?.owned} owners`, of(whole), 'ss -tanpie >/dev/null', median(ssOwnersMs)),
    line('whole answer, 2 looks', answerMs, 'ss -tanpie >/dev/null', median(ssOwnersMs)),
    line(
      'snapshot, 3 s watched',
      median(bundles.map(({ ms }) => ms)),
      'ss -tanpie >/dev/null',
      median(ssOwnersMs),
    ),
    line(
      '... processor time',
      1e3 * median(bundles.map(({ cpu }) => cpu)),
      'ss -tanpie >/dev/null',
      1e3 * median(ssOwnersCpu),
    ),
    `snapshot, slowest run    ${(Math.max(...bundles.map(({ ms }) => ms)) / 1e3).toFixed(1)} s (less than 10)`,
    `peak memory              ${rssMb.toFixed(0)} MB (at most 300); snapshot ${Math.max(...bundles.map((b) => b.rssMb)).toFixed(0)} MB`,
  ]
  console.log(lines.join('\n'))
  const kind = process.env['TCPWHY_BENCH_HOST'] ?? `${process.arch}-${cpus().length}-cores`
  const name = `${new Date().toISOString().slice(0, 10)}-${kind}-host-look.txt`
  mkdirSync(join(root, 'bench/results'), { recursive: true })
  writeFileSync(join(root, 'bench/results', name), `${lines.join('\n')}\n`)
}

function line(what: string, ms: number, other: string, otherMs: number): string {
  const ratio = (ms / otherMs).toFixed(2)
  return `${what.padEnd(24)} ${ms.toFixed(0).padStart(6)} ms   ${other.padEnd(22)} ${otherMs.toFixed(0).padStart(6)} ms   ratio ${ratio}`
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
