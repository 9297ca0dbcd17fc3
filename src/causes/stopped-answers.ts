import type { HttpFacts } from '../evidence/application.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { type Act, firstAct } from './bursts.ts'
import { atFrame, type Certainty, type Reason, reasonsOf, type Verdict } from './cause.ts'
import { lastServerData, usualSilence } from './client-cancelled.ts'
import { densest } from './closing.ts'
import { READ_SEGMENTS } from './cut-response.ts'
import { answersMayBeTooLong } from './path-mtu-black-hole.ts'
import { roundSeconds } from './round.ts'

const say = reasonsOf('client-timeout')

interface Stopped {
  act: Act
  http: HttpFacts
  silenceMs: number
  /** The server's kernel took the client's FIN: packets went through in both directions then. */
  pathWell: boolean
}

/** Answers that stopped before their end for no reason that packets show; their clients closed after a silence. */
export function stoppedAnswers(evidence: Evidence): Verdict[] {
  const byServer = new Map<string, Stopped[]>()
  for (const connection of evidence.connections) {
    const stopped = stoppedAnswer(connection, evidence)
    if (stopped === null) continue
    const { endpoint } = connection.server
    byServer.set(endpoint, [...(byServer.get(endpoint) ?? []), stopped])
  }
  return [...byServer.values()].flatMap((all) => {
    const certainty = certaintyOf(all, evidence)
    return all.map((stopped) => verdictOf(stopped, certainty))
  })
}

/** RFC 9112 §8: by its own length or its missing last chunk the answer was not complete, and nothing was on its way. */
function stoppedAnswer(connection: ConnectionFacts, evidence: Evidence): Stopped | null {
  const http = evidence.application.get(connection.id)?.http ?? null
  if (http === null || http.bodyComplete !== false || http.streaming === true) return null
  const { client, server } = connection.sides
  if (connection.seen !== 'both' || server.missingOctets > 0 || server.inFlightOctets > 0)
    return null
  if (client.packets + server.packets >= READ_SEGMENTS) return null
  if (client.lastWindow === 0 || client.zeroWindow.openAtEnd || server.unanswered !== null)
    return null
  const act = firstAct(connection)
  if (act?.side !== 'client' || http.responseFrame === null) return null
  if ((server.lastDataMs ?? 0) > act.atMs) return null // it went on: slow, not stopped
  const silenceMs = act.atMs - lastServerData(connection, act)
  if (silenceMs <= usualSilence(connection, act, http)) return null
  const pathWell = client.fin !== null && client.fin.ackedMs !== null
  return { act, http, silenceMs, pathWell }
}

function certaintyOf(all: readonly Stopped[], evidence: Evidence): Certainty {
  const constant = densest(all, (s) => s.silenceMs)
  const timed = all.length > 1 || roundSeconds(constant?.ms ?? 0) !== null
  const sound = all.every(
    ({ act, pathWell }) => pathWell && !answersMayBeTooLong(act.connection, evidence),
  )
  return timed && sound ? 'likely' : 'possible'
}

function verdictOf({ act, http, silenceMs, pathWell }: Stopped, certainty: Certainty): Verdict {
  const { connection, frame } = act
  const at = atFrame(frame, connection)
  const values = { got: http.bodyOctetsSeen ?? 0, silence: silenceMs }
  const because: Reason[] = [
    http.contentLength === null
      ? say('stopped-in-chunks', values, at)
      : say('stopped-in-answer', { ...values, told: http.contentLength }, at),
  ]
  if (pathWell) because.push(say('path-well', {}, at))
  const { address, endpoint } = connection.server
  return {
    connections: [connection],
    variant: 'response-stopped',
    certainty,
    severity: 'problem',
    weight: certainty === 'likely' ? 71 : 50,
    culprit: { side: 'server', host: address },
    because,
    against: [],
    values: { timeout: silenceMs },
    experiment: { patienceMs: silenceMs },
    group: endpoint,
  }
}
