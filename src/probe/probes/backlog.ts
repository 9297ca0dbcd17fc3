import { formatEndpoint } from '../../base/addresses.ts'
import { version } from '../../base/version.ts'
import { probeWords } from '../../messages/en/probe.ts'
import { render as fill, formatCount, formatDuration } from '../../messages/render.ts'
import type { BacklogReport, Burst, Counted, ListenerLook } from '../backlog/report.ts'
import { withBudget } from '../budget.ts'
import { runLoad } from '../load/generator.ts'
import { requestOctets } from '../load/request.ts'
import type { ProbeAddress, ProbePort } from '../port.ts'
import type { Probe, ProbeContext } from '../probe.ts'
import type { Plan } from '../report.ts'
import { shownTarget, type Target } from '../target.ts'

const words = probeWords.backlog

export interface BacklogOptions {
  target: Target
  to: ProbeAddress
  /** Of the largest burst. */
  connections: number
  timeoutMs: number
  /** Looks at the listener, when it is this kernel's. */
  look: (() => ListenerLook | null) | null
}

export const backlog = {
  id: 'backlog',
  asks: 'How many connections at the same moment does the listener take, and what do the others die of?',
  needs: ['host'],
  plan,
  run,
} as const satisfies Probe<BacklogOptions, BacklogReport>

/** The bursts: an eighth, a quarter, a half, all. */
function burstsOf(connections: number): number[] {
  const sizes = [8, 4, 2, 1].map((part) => Math.max(Math.round(connections / part), 1))
  return [...new Set(sizes)]
}

/** Between two bursts: for the queue to be empty again, and so that no second has more connections than the largest burst. */
const PAUSE_MS = 1000
const ONE = { method: 'GET', keepAlive: false }
const LOOK_MS = 5

function plan({ target, to, connections, timeoutMs }: BacklogOptions): Plan {
  const sizes = burstsOf(connections)
  const all = sizes.reduce((sum, size) => sum + size, 0)
  return {
    targets: [shownTarget(target, to)],
    connections: all,
    requests: all,
    octets: all * requestOctets(target, ONE).length,
    atOnce: connections,
    perSecond: connections,
    sends: fill(words.sends, { path: target.path, sizes: sizes.map(formatCount).join(', ') }),
    deadlineMs: sizes.length * (2 * timeoutMs + PAUSE_MS + 1000),
  }
}

async function run(
  options: BacklogOptions,
  port: ProbePort,
  { stop }: ProbeContext,
): Promise<BacklogReport> {
  const planned = plan(options)
  const startMs = port.nowMs()
  const startedAt = new Date(port.epochMs()).toISOString()
  const budget = { ...planned, untilMs: startMs + planned.deadlineMs }
  const { port: limited, spent } = withBudget(port, budget)
  const bursts: Burst[] = []
  for (const size of burstsOf(options.connections)) {
    if (stop.aborted) break
    if (bursts.length > 0) await pause(port, PAUSE_MS)
    const told = await burst(options, size, limited, stop)
    // Ctrl-C in the middle: of some of them it is not known what would have become.
    if (told.answered + told.failed < size && stop.aborted) break
    bursts.push(told)
    // More of them would be refused as well.
    if (bursts.every(isRefused)) break
  }
  const listener = options.look?.() ?? null
  const { target, to } = options
  const found = {
    bursts,
    isHere: options.look !== null,
    listener: listener === null ? null : { local: listener.local, limit: listener.limit },
    targets: [{ name: target.name, address: formatEndpoint(to.address, target.port) }],
  }
  return {
    schema: 'tcpwhy.probe/1',
    tool: { name: 'tcpwhy', version },
    probe: 'backlog',
    startedAt,
    durationMs: Math.round(port.nowMs() - startMs),
    plan: planned,
    spent,
    interrupted: stop.aborted,
    decided: bursts.some(({ answered, failed }) => answered + failed > 0),
    timeoutMs: options.timeoutMs,
    ...found,
    conclusion: conclusionOf(found),
  }
}

function pause(port: ProbePort, ms: number): Promise<void> {
  return new Promise((done) => port.after(ms, done))
}

async function burst(
  { target, to, timeoutMs, look }: BacklogOptions,
  connections: number,
  port: ProbePort,
  stop: AbortSignal,
): Promise<Burst> {
  const watched = watchListener(look, port)
  const { tally, durationMs } = await runLoad(
    {
      to: { ...to, port: target.port },
      request: requestOctets(target, ONE),
      method: 'GET',
      keepAlive: false,
      concurrency: connections,
      count: connections,
      forMs: null,
      ratePerS: null,
      connectTimeoutMs: timeoutMs,
      requestTimeoutMs: timeoutMs,
    },
    port,
    { stop },
  )
  return {
    connections,
    answered: tally.answered,
    failed: tally.failed,
    failures: tally.failureList(),
    slowHandshakes: tally.slowHandshakes,
    slowestHandshakeMs: tally.connect.summary()?.max ?? null,
    durationMs: Math.round(durationMs),
    counted: watched(),
  }
}

/** Looks every few milliseconds; the answer ends it. */
function watchListener(look: BacklogOptions['look'], port: ProbePort): () => Counted | null {
  const before = look?.() ?? null
  if (look === null || before === null) return () => null
  let deepest = before.depth
  let cancel = () => {}
  const again = () => {
    deepest = Math.max(deepest, look()?.depth ?? 0)
    cancel = port.after(LOOK_MS, again)
  }
  again()
  return () => {
    cancel()
    const after = look() ?? before
    return {
      deepest,
      drops: after.drops === null || before.drops === null ? null : after.drops - before.drops,
      listenOverflows: after.listenOverflows - before.listenOverflows,
      listenDrops: after.listenDrops - before.listenDrops,
    }
  }
}

/** All of it: nothing listens there, which is not a question of how many. */
function isRefused({ connections, failures }: Burst): boolean {
  return failures.some(({ kind, count }) => kind === 'connect-refused' && count === connections)
}

function conclusionOf({
  bursts,
  listener,
  isHere,
  targets,
}: Pick<BacklogReport, 'bursts' | 'listener' | 'isHere' | 'targets'>): string {
  const last = bursts.at(-1)
  if (last === undefined) return words.conclusion.none
  const trouble = bursts.find((b) => b.failed > 0 || b.slowHandshakes > 0)
  const counted = bursts.find((b) => overflowed(b))
  const values = {
    address: targets[0]?.address ?? '',
    n: formatCount((counted ?? trouble ?? last).connections),
    limit: listener?.limit ?? 0,
    fits: (listener?.limit ?? 0) + 1,
    deepest: counted?.counted?.deepest ?? last.counted?.deepest ?? 0,
    overflows: counted?.counted?.listenOverflows ?? 0,
    failed: formatCount(trouble?.failed ?? 0),
    slow: formatCount(trouble?.slowHandshakes ?? 0),
    slowest: formatDuration(trouble?.slowestHandshakeMs ?? last.slowestHandshakeMs ?? 0),
    kind: trouble?.failures[0] === undefined ? '' : probeWords.failure[trouble.failures[0].kind],
  }
  const { overflow, full, fine, fineHere, failures, slow, refused, nobody } = words.conclusion
  if (isRefused(last)) return fill(isHere && listener === null ? nobody : refused, values)
  if (counted !== undefined && isFullBefore(counted)) return fill(full, values)
  if (counted !== undefined) return fill(overflow, values)
  if (trouble === undefined) return fill(listener === null ? fine : fineHere, values)
  return fill(trouble.failed > 0 ? failures : slow, values)
}

/** More waited than this burst brought, and none of it was answered. */
function isFullBefore({ connections, answered, counted }: Burst): boolean {
  return answered === 0 && (counted?.deepest ?? 0) > connections
}

/** The listener's own drops where the kernel tells them; else the namespace's overflows. */
function overflowed({ counted }: Burst): boolean {
  if (counted === null) return false
  return counted.listenOverflows > 0 && (counted.drops === null || counted.drops > 0)
}
