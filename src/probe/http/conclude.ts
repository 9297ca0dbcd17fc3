import { probeWords } from '../../messages/en/probe.ts'
import { render as fill, formatCount, formatDuration } from '../../messages/render.ts'
import type { NoAnswer } from './conversation.ts'
import { isLost } from './race.ts'
import type { HttpReport } from './report.ts'

const words = probeWords.http

type Found = Pick<
  HttpReport,
  'first' | 'keepAlive' | 'roundTripMs' | 'idle' | 'requests' | 'race' | 'earlyClose' | 'uploads'
>

type Idle = NonNullable<HttpReport['idle']>

/** A few sentences: kept or not, for how long, how many, what gets lost. */
export function conclusionOf(
  found: Found,
  { address, failed }: { address: string; failed: NoAnswer | null },
): string {
  if (found.first === null) {
    const what = failed?.kind
      ? probeWords.failure[failed.kind]
      : words.outcome[failed?.is ?? 'failed']
    return fill(words.notAnswered, { address, what })
  }
  return [
    keptText(found, address),
    ...idleText(found),
    ...requestsText(found),
    ...raceText(found),
    ...uploadText(found),
  ].join(' ')
}

function keptText({ keepAlive }: Found, address: string): string {
  const { offered, kept } = keepAlive
  if (!offered) return fill(words.notOffered, { address })
  return fill(kept === true ? words.kept : words.notKept, { address })
}

function idleText({ idle, keepAlive }: Found): string[] {
  if (idle === null) return []
  const { saysTimeoutS: says } = keepAlive
  const values = {
    really: formatDuration(idle.closedAfterMs ?? 0),
    waited: formatDuration(idle.waitedMs),
    says: says ?? 0,
    how: words.how[idle.how ?? 'fin'],
  }
  const said = says === null ? words.saysNothing : fill(words.says[saidHow(idle, says)], values)
  return [fill(idle.closedAfterMs === null ? openText(idle) : words.closes, values), said]
}

function openText({ answered }: Idle): string {
  if (answered === null) return words.stillOpen
  return answered ? words.stillWorks : words.dead
}

/** Servers close up to a second or two after what they say, so that clients are first. */
const LATER_MS = 2500

/** Whether clients that believe `Keep-Alive: timeout` give a connection up in time. */
function saidHow({ closedAfterMs, waitedMs }: Idle, saysS: number): keyof typeof words.says {
  const saysMs = saysS * 1000
  if (closedAfterMs === null) return waitedMs > saysMs + LATER_MS ? 'less' : 'only'
  if (closedAfterMs < saysMs - EARLIER_MS) return 'more'
  return closedAfterMs > saysMs + LATER_MS ? 'less' : 'so'
}

/** Timers of servers are coarse. */
const EARLIER_MS = 100

function requestsText({ requests }: Found): string[] {
  if (requests === null) return []
  const values = { n: formatCount(requests.answered) }
  const { none, announced, other } = words.requests
  if (requests.ended === null) return [fill(none, values)]
  return [fill(requests.ended === 'announced' ? announced : other, values)]
}

/** What a client loses that trusts a connection until the server has closed it. */
function raceText({ race, roundTripMs }: Found): string[] {
  if (race === null || race.length === 0) return []
  const lost = race.filter(isLost)
  const rtt = formatDuration(roundTripMs ?? 0)
  const values = { tried: race.length, lost: lost.length, rtt }
  if (lost.length === 0) return [fill(words.race.none, values)]
  const offsets = lost.map(({ offsetMs }) => offsetMs)
  return [
    fill(words.race.lost, {
      ...values,
      from: offsetText(Math.min(...offsets)),
      to: offsetText(Math.max(...offsets)),
    }),
  ]
}

/** "12 ms before", "3 ms after" */
function offsetText(ms: number): string {
  return fill(ms > 0 ? words.race.after : words.race.before, { ms: formatDuration(Math.abs(ms)) })
}

function uploadText({ uploads }: Found): string[] {
  return (uploads ?? []).map(({ size, status, ended, sentOctets }) =>
    fill(words.upload[ended], {
      size: words.size[size],
      status: status ?? '-',
      sent: formatCount(Math.round(sentOctets / 1024)),
    }),
  )
}
