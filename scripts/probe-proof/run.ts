// npm run probe:proof [-- --runs 30] [--at-once 8] [--seed N] [--from 2 --to 60] [--only nginx,haproxy] [--untimed]: draws limits at random, makes paths that have them, in network
// namespaces side by side, asks `tcpwhy probe idle`, and compares with the truth. As root; ip, nft, nginx, haproxy, tcpdump, ss.

import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { IdleReport } from '../../src/probe/idle/report.ts'
import { Network } from './network.ts'
import { type Path, paths } from './paths.ts'

const PRECISION_MS = 500
const PORT = 8080
const bin = fileURLToPath(new URL('../../bin/tcpwhy.js', import.meta.url))

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '30' },
    'at-once': { type: 'string', default: '8' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    from: { type: 'string', default: '2' },
    to: { type: 'string', default: '60' },
    only: { type: 'string' },
    untimed: { type: 'boolean', default: false },
  },
})

interface Draw {
  index: number
  path: Path
  limitMs: number
  say: Path['says'][number]
}

interface Verdict {
  draw: Draw
  text: string
  faults: string[]
}

/** mulberry32: the same seed, the same limits. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

function draws(runs: number, random: () => number): Draw[] {
  const [from, to] = [Number(values.from) * 1000, Number(values.to) * 1000]
  const only = values.only?.split(',')
  const chosen = paths.filter(({ id }) => only === undefined || only.includes(id))
  return Array.from({ length: runs }, (_, index) => {
    const path = chosen[index % chosen.length]!
    const drawn = from + random() * (to - from)
    const limitMs = path.wholeSeconds ? Math.round(drawn / 1000) * 1000 : Math.round(drawn)
    return { index, path, limitMs, say: path.says[Math.floor(random() * path.says.length)]! }
  })
}

const SAY = { http: ['--http', '/'], octet: ['--send-octet'], nothing: [] } as const

async function prove(draw: Draw): Promise<Verdict> {
  const network = new Network(draw.index)
  try {
    await draw.path.build(network, draw.limitMs)
    const target = `${draw.path.address}:${PORT}`
    const { code, out, err } = await network.output('client', [
      ...[process.execPath, bin, 'probe', 'idle', target, '--max', '2m'],
      ...['--precision', `${PRECISION_MS}ms`, '--json', '--quiet', ...SAY[draw.say]],
    ])
    if (out === '') return { draw, text: err.trim(), faults: [`exit code ${code}`] }
    return judged(draw, JSON.parse(out))
  } catch (error) {
    return { draw, text: draw.path.id, faults: [String(error)] }
  } finally {
    network.close()
  }
}

function judged(draw: Draw, report: IdleReport): Verdict {
  const { path, limitMs, say } = draw
  const { durationMs: wallMs } = report
  const runs = report.targets[0]!.runs
  const plain = runs.find((r) => r.keepalive === 'off' && r.traffic === 'none')!
  const kept = runs.find((r) => r.keepalive !== 'off')
  const beaten = runs.find((r) => r.traffic === 'heartbeat')
  const { longestSurvivedMs: from, shortestDiedMs: to } = plain
  const allowedMs = 2.5 * limitMs + 3 * PRECISION_MS + 5000
  const faults = [
    ...(to !== null && from < limitMs && limitMs <= to ? [] : ['the truth is not in the interval']),
    ...(to !== null && to - from <= PRECISION_MS ? [] : ['wider than the precision']),
    ...(plain.flavour === path.flavour ? [] : [`flavour ${plain.flavour}`]),
    ...(path.by.some((by) => by === plain.by) ? [] : [`by ${plain.by}`]),
    ...(values.untimed || wallMs <= allowedMs ? [] : [`took ${(wallMs / 1000).toFixed(1)} s`]),
    ...(kept !== undefined && (kept.shortestDiedMs === null) !== path.heedsKeepalive
      ? [`keepalive ${kept.keepalive} ${kept.shortestDiedMs === null ? 'helped' : 'did not help'}`]
      : []),
    ...(kept === undefined && from >= 1200 ? ['keepalive was not tried'] : []),
    ...(say !== 'nothing' && beaten?.shortestDiedMs !== null ? ['the heartbeat did not help'] : []),
    ...(report.decided ? [] : ['undecided']),
  ]
  const seconds = (ms: number | null) => (ms === null ? '-' : (ms / 1000).toFixed(3))
  const text = [
    `${path.id} (${say})`.padEnd(28),
    `truth ${seconds(limitMs)}`.padEnd(14),
    `found (${seconds(from)}, ${seconds(to)}]`.padEnd(26),
    `${plain.flavour} by ${plain.by}`.padEnd(20),
    `keepalive ${kept === undefined ? '-' : kept.shortestDiedMs === null ? 'helps' : 'does not'}`.padEnd(
      20,
    ),
    `${seconds(wallMs)} of ${seconds(allowedMs)} s`,
  ].join(' ')
  return { draw, text, faults }
}

async function main(): Promise<void> {
  const all = draws(Number(values.runs), randomOf(Number(values.seed)))
  console.log(`seed ${values.seed}: ${all.length} runs, ${values['at-once']} at once`)
  // The longest first: the last one to begin should not be the one that takes longest.
  const waiting = [...all].sort((a, b) => b.limitMs - a.limitMs)
  const verdicts: Verdict[] = []
  const worker = async () => {
    for (let draw = waiting.shift(); draw !== undefined; draw = waiting.shift()) {
      const verdict = await prove(draw)
      verdicts.push(verdict)
      const fault = verdict.faults.length === 0 ? 'ok  ' : 'BAD '
      console.log(`${fault} ${verdict.text} ${verdict.faults.join('; ')}`.trimEnd())
    }
  }
  await Promise.all(Array.from({ length: Number(values['at-once']) }, worker))
  const good = verdicts.filter(({ faults }) => faults.length === 0).length
  console.log(`${good} of ${verdicts.length} runs found the truth`)
  process.exitCode = good === verdicts.length ? 0 : 1
}

await main()
