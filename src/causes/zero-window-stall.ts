import type { ConnectionFacts, Side } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import {
  atFrame,
  type Cause,
  connectionRef,
  frameOf,
  judgeEach,
  otherSide,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { abortAfterOwnFin, activeAbort } from './closing.ts'
import { judgeWindows } from './machine/zero-window-stall.ts'

const say = reasonsOf('zero-window-stall')

const OPEN_MS = 1000
const RECOVERED_MS = 5000
/** Shorter than that is one slow moment, unless several connections of the same readers stood still. */
const SHARED_MS = 1000
const SEVERAL = 3

/** The receiver's application does not read: its window is 0, the sender may only probe. */
export const zeroWindowStall = {
  id: 'zero-window-stall',
  needs: ['packets', 'kernel'],
  refs: ['RFC 9293 §3.8.6.1', 'Linux net/ipv4/tcp_timer.c tcp_probe_timer'],
  confusedWith: ['close-with-unread-data', 'server-stalled', 'path-lost'],
  judge: (evidence) => {
    const shared = sharedStalls(evidence)
    return judgeEach(
      evidence,
      ['open', 'half-closed', 'clean', 'reset', 'reset-after-fin', 'timed-out'],
      (connection) => judgeOne(connection, shared),
    )
  },
  judgeMachine: judgeWindows,
} as const satisfies Cause

/** Groups in which several connections had a closed window for long enough together to be told. */
function sharedStalls(evidence: Evidence): Set<string> {
  const counts = new Map<string, number>()
  for (const connection of evidence.connections) {
    for (const reader of ['client', 'server'] as const) {
      if (connection.sides[reader].zeroWindow.ms < SHARED_MS) continue
      const group = groupOf(connection, reader)
      counts.set(group, (counts.get(group) ?? 0) + connection.weight)
    }
  }
  return new Set([...counts].flatMap(([group, count]) => (count >= SEVERAL ? [group] : [])))
}

function groupOf(connection: ConnectionFacts, reader: Side): string {
  return `${connection.server.endpoint} ${reader}`
}

function judgeOne(connection: ConnectionFacts, shared: ReadonlySet<string>): Verdict | null {
  const reader = readerOf(connection, shared)
  if (reader === null) return null
  const { zeroWindow } = connection.sides[reader]
  const sender = otherSide(reader)
  const abort = activeAbort(connection) ?? abortAfterOwnFin(connection)
  // The reader itself closed on what it had not read: that is the cause, this was its symptom.
  if (abort !== null && abort.from === reader) return null
  const stuck = zeroWindow.openAtEnd
  const gaveUp = abort !== null && abort.from === sender
  return {
    connections: [connection],
    certainty: 'likely',
    severity: stuck || gaveUp ? 'problem' : 'notice',
    weight: stuck || gaveUp ? 80 : 52,
    culprit: { side: reader, host: connection[reader].address },
    because: [
      ...becauseOf(connection, reader),
      ...(gaveUp && abort !== null
        ? [say('gave-up', { who: sender }, frameOf(abort, connection))]
        : []),
    ],
    against: stuck ? [] : [say('recovered', {}, connectionRef(connection))],
    values: {
      reader: connection[reader].address,
      stalled: zeroWindow.ms,
      ofServer: Number(reader === 'server'),
    },
    // Those that went on are a finding of their own: they must not soften the ones that did not.
    group: `${groupOf(connection, reader)}${stuck || gaveUp ? '' : ' recovered'}`,
  }
}

function readerOf(connection: ConnectionFacts, shared: ReadonlySet<string>): Side | null {
  const sides = ['client', 'server'] as const
  const stuck = sides.find((s) => {
    const { openAtEnd, ms } = connection.sides[s].zeroWindow
    return openAtEnd && ms >= OPEN_MS
  })
  if (stuck !== undefined) return stuck
  const recovered = sides.find((s) => {
    const enough = shared.has(groupOf(connection, s)) ? SHARED_MS : RECOVERED_MS
    return connection.sides[s].zeroWindow.ms >= enough
  })
  return recovered ?? null
}

function becauseOf(connection: ConnectionFacts, reader: Side): Reason[] {
  const { zeroWindow } = connection.sides[reader]
  const { zeroWindowProbes } = connection.sides[otherSide(reader)]
  const ref = connectionRef(connection)
  const at = zeroWindow.firstFrame === null ? ref : atFrame(zeroWindow.firstFrame, connection)
  const because = [say('closed', { who: reader, times: zeroWindow.times, for: zeroWindow.ms }, at)]
  if (zeroWindowProbes > 0) {
    because.push(say('probes', { who: otherSide(reader), count: zeroWindowProbes }, ref))
  }
  if (zeroWindow.openAtEnd) because.push(say('still-closed', { who: reader }, ref))
  return because
}
