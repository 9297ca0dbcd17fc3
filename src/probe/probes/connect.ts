import { formatEndpoint } from '../../base/addresses.ts'
import { version } from '../../base/version.ts'
import { probeWords as words } from '../../messages/en/probe.ts'
import { withBudget } from '../budget.ts'
import { conclusionOf, verdictOf } from '../connect/conclude.ts'
import { MAX_HOPS, walk } from '../connect/hops.ts'
import type { ConnectReport, ConnectTarget, Hops } from '../connect/report.ts'
import { requestOctets } from '../load/request.ts'
import type { PacketWatch, ProbeAddress, ProbePort } from '../port.ts'
import type { Probe, ProbeContext } from '../probe.ts'
import type { Plan } from '../report.ts'
import { shownTarget, type Target } from '../target.ts'
import { visit } from '../visit.ts'

export interface ConnectOptions {
  target: Target
  /** One a family. */
  to: readonly ProbeAddress[]
  dns: ConnectReport['dns']
  /** A request is sent (a URL, or --http). */
  ask: boolean
  connectMs: number
  answerMs: number
  /** Walk to whoever answers, hop by hop (needs root). */
  walk: boolean
}

export const connect = {
  id: 'connect',
  asks: 'What becomes of a connection, step by step, and who answers?',
  needs: ['socket-options', 'capture'],
  plan,
  run,
} as const satisfies Probe<ConnectOptions, ConnectReport>

const WALK_MS = 8000
const KEPT = { method: 'GET', keepAlive: true }

function plan(options: ConnectOptions): Plan {
  const { target, to, ask, connectMs, answerMs } = options
  const hops = options.walk ? MAX_HOPS : 0
  return {
    targets: to.map((address) => shownTarget(target, address)),
    connections: to.length * (1 + hops),
    requests: ask ? to.length : 0,
    octets: ask ? to.length * requestOctets(target, KEPT).length : 0,
    atOnce: to.length * (options.walk ? 6 : 1),
    // If everybody answers at once.
    perSecond: to.length * (1 + hops),
    sends: ask ? `GET ${target.path}` : words.connect.sendsNothing,
    deadlineMs: connectMs + answerMs + (options.walk ? WALK_MS : 0) + 1000,
  }
}

async function run(
  options: ConnectOptions,
  port: ProbePort,
  { stop }: ProbeContext,
): Promise<ConnectReport> {
  const planned = plan(options)
  const startMs = port.nowMs()
  const startedAt = new Date(port.epochMs()).toISOString()
  const budget = { ...planned, untilMs: startMs + planned.deadlineMs }
  const { port: limited, spent } = withBudget(port, budget)
  const missing: string[] = limited.rawOptions ? [] : [words.connect.missing.options]
  if (!options.walk) missing.push(words.connect.missing.walk)
  const found = await Promise.all(options.to.map((to) => one(options, to, limited, stop, missing)))
  const targets = found.filter((target) => target !== null)
  return {
    schema: 'tcpwhy.probe/1',
    tool: { name: 'tcpwhy', version },
    probe: 'connect',
    startedAt,
    durationMs: Math.round(port.nowMs() - startMs),
    plan: planned,
    spent,
    interrupted: stop.aborted,
    decided: targets.length > 0,
    dns: options.dns,
    targets,
    missing: [...new Set(missing)],
    conclusion:
      targets.length === 0 ? words.connect.nothing : conclusionOf({ targets, dns: options.dns }),
  }
}

/** What answered the SYN itself, or else those of the walk. */
function icmpOf(localPort: number | null, watch: PacketWatch | null, hops: Hops | null) {
  const seen = localPort === null ? [] : (watch?.seen(localPort) ?? [])
  const error = seen.find(({ what }) => what === 'unreachable')
  if (error !== undefined) return { from: error.from ?? null }
  return hops?.answered?.by === 'unreachable' ? { from: hops.answered.from } : null
}

async function one(
  options: ConnectOptions,
  to: ProbeAddress,
  port: ProbePort,
  stop: AbortSignal,
  missing: string[],
): Promise<ConnectTarget | null> {
  const { target, ask } = options
  const watched = options.walk ? await port.watch([{ ...to, port: target.port }]) : null
  const watch = watched === null || 'cannot' in watched ? null : (watched[0] ?? null)
  try {
    if (watched !== null && 'cannot' in watched) missing.push(watched.cannot)
    const tls = target.scheme === 'https' ? { tls: { servername: target.host } } : {}
    const seen = await visit(
      {
        to: { ...to, port: target.port, ...tls },
        request: ask ? requestOctets(target, KEPT) : null,
        connectMs: options.connectMs,
        answerMs: options.answerMs,
        stop,
      },
      port,
    )
    if (seen === null) return null
    const hops = watch === null ? null : await walk({ ...to, port: target.port }, port, watch, stop)
    const address = formatEndpoint(to.address, target.port)
    const verdict = verdictOf(seen, ask)
    const icmp = icmpOf(seen.localPort, watch, hops)
    return { name: target.name, address, family: to.family, verdict, visit: seen, hops, icmp }
  } finally {
    await watch?.close()
  }
}
