import { groupBy } from '../base/group-by.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import {
  atFrame,
  type Cause,
  connectionRef,
  type Judgement,
  type Reason,
  reasonsOf,
  type Unknown,
  type Verdict,
} from './cause.ts'
import { closeTime, lastActivityBefore } from './closing.ts'

const say = reasonsOf('gc-coupled-close')

const WITHIN_MS = 50 // one collection closes what it finds within milliseconds
const BUNCH = 3
const BUNCHES = 2
const APART_MS = 1000
const IDLE_MS = 500 // nobody asked for these closes: nothing had happened on the connection

/** Closes of one client's idle connections bunch in time: a collector frees what the program forgot to close. */
export const gcCoupledClose = {
  id: 'gc-coupled-close',
  needs: ['application', 'packets'],
  refs: ['RFC 2525 §2.17', 'JEP 421'],
  confusedWith: [
    'process-killed',
    'listener-closed',
    'server-idle-timeout',
    'close-with-unread-data',
  ],
  judge,
} as const satisfies Cause

interface Close {
  connection: ConnectionFacts
  tMs: number
  /** Nothing on the wire for that long before, or since the peer's FIN. */
  idleMs: number
  released: boolean
}

function judge(evidence: Evidence): Judgement {
  const closed = evidence.connections.flatMap((c) => closeOf(c) ?? [])
  const byClient = groupBy(closed, ({ connection }) => connection.client.address)
  const verdicts: Verdict[] = []
  let lone: Close[] | null = null
  for (const closes of byClient.values()) {
    const bunches = bunchesOf(closes)
    if (bunches.length >= BUNCHES) verdicts.push(verdictOf(bunches))
    else if (bunches[0]?.some((c) => c.connection.ending === 'reset')) lone ??= bunches[0]
  }
  const unknown = verdicts.length === 0 && lone !== null ? unknownOf(lone) : null
  return { verdicts, ...(unknown === null ? {} : { unknown }) }
}

/** The client's close of a connection on which nothing was going on; not the answer to a request, not the usual end. */
function closeOf(connection: ConnectionFacts): Close | null {
  const tMs = closeTime(connection, 'client')
  if (tMs === null || connection.requestPending) return null
  const peerFin = connection.sides.server.fin
  const released = peerFin !== null && peerFin.tMs < tMs
  const last = Math.max(lastActivityBefore(connection, tMs) ?? tMs, released ? peerFin.tMs : 0)
  const idleMs = tMs - last
  return idleMs < IDLE_MS ? null : { connection, tMs, idleMs, released }
}

function bunchesOf(closes: readonly Close[]): Close[][] {
  const sorted = [...closes].sort((a, b) => a.tMs - b.tMs)
  const bunches: Close[][] = []
  for (const close of sorted) {
    const current = bunches.at(-1)
    if (current !== undefined && close.tMs - current[0]!.tMs <= WITHIN_MS) current.push(close)
    else bunches.push([close])
  }
  return bunches.filter((b) => b.length >= BUNCH).filter(isApart)
}

function isApart(bunch: readonly Close[], index: number, all: readonly Close[][]): boolean {
  const before = all[index - 1]
  return before === undefined || bunch[0]!.tMs - before[0]!.tMs >= APART_MS
}

function verdictOf(bunches: readonly Close[][]): Verdict {
  const closes = bunches.flat()
  const first = closes[0]!
  const { connection } = first
  const resets = closes.filter((c) => c.connection.ending === 'reset').length
  const released = closes.filter((c) => c.released).length
  return {
    connections: closes.map((c) => c.connection),
    certainty: 'possible',
    severity: 'notice',
    weight: 38,
    culprit: { side: 'client', host: connection.client.address },
    because: bunches.slice(0, 4).map(aboutBunch),
    against: [say('no-gc-log', {}, connectionRef(connection))],
    values: { client: connection.client.address, bunches: bunches.length },
    group: connection.client.address,
    ...(resets * 2 >= closes.length ? { consequenceOf: 'close-with-unread-data' as const } : {}),
    ...(released * 2 > closes.length ? { consequenceOf: 'close-wait-leak' as const } : {}),
  }
}

function aboutBunch(bunch: readonly Close[]): Reason {
  const first = bunch[0]!
  const frame = first.connection.sides.client.fin?.frame ?? first.connection.lastFrame
  const within = bunch.at(-1)!.tMs - first.tMs
  const idle = Math.min(...bunch.map((c) => c.idleMs))
  return say(
    'bunch',
    { count: bunch.length, within, at: first.tMs, idle },
    atFrame(frame, first.connection),
  )
}

function unknownOf(bunch: readonly Close[]): Unknown {
  const { address } = bunch[0]!.connection.client
  return {
    missing: [
      `a second burst: ${bunch.length} connections of ${address} were closed within ${WITHIN_MS} ms once; a capture over three collections would show whether it repeats`,
      'the GC log of that process for the same time',
    ],
    ask: `on ${address}: jcmd PID VM.log output=file=/tmp/gc.log what=gc*=info (or start with -Xlog:gc*:file=gc.log), and sudo tcpdump -i any -w longer.pcap host ${address}`,
  }
}
