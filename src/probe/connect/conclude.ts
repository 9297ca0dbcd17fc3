import { probeWords } from '../../messages/en/probe.ts'
import { render as fill, formatDuration } from '../../messages/render.ts'
import type { Visit } from '../visit.ts'
import type { ConnectReport, ConnectTarget, ConnectVerdict } from './report.ts'

const words = probeWords.connect

export function verdictOf(visit: Visit, asked: boolean): ConnectVerdict {
  const { failure, acknowledgedMs } = visit
  switch (failure) {
    case null:
      return asked ? 'served' : 'connected'
    case 'connect-refused':
      return 'refused'
    case 'connect-timeout':
      return 'filtered'
    case 'connect-unreachable':
      return 'unreachable'
    case 'connect-reset':
      return 'reset-in-handshake'
    case 'no-descriptor':
    case 'no-local-port':
      return 'no-local-resource'
    case 'tls-failed':
      return 'tls-failed'
    case 'send-reset':
    case 'receive-reset':
      return 'reset-on-request'
    case 'receive-eof':
      return asked ? 'closed-on-request' : 'connected'
    case 'send-timeout':
    case 'receive-timeout':
      return acknowledgedMs === null ? 'not-acknowledged' : 'never-served'
    case 'response-reset':
    case 'response-timeout':
    case 'response-eof':
    case 'response-malformed':
      return 'broken-answer'
    default:
      return 'failed'
  }
}

/** From this on the handshake took a retransmission: the first is due after 1 s (RFC 6298 2.1). */
const SLOW_MS = 900

export function conclusionOf({ targets, dns }: Pick<ConnectReport, 'targets' | 'dns'>): string {
  const sentences = targets.map((target) => sentenceOf(target))
  const verdicts = new Set(targets.map(({ verdict }) => verdict))
  const differ = targets.length > 1 && verdicts.size > 1 && dns !== null
  return [...sentences, ...(differ ? [words.familiesDiffer] : [])].join(' ')
}

function sentenceOf(target: ConnectTarget): string {
  const { visit, address } = target
  const times = visit.retransmittedMs.length
  const values = {
    address,
    connect: formatDuration(visit.connectedMs ?? visit.endedMs),
    first: formatDuration(visit.firstByteMs ?? 0),
    last: formatDuration(visit.lastByteMs ?? visit.endedMs),
    waited: formatDuration(visit.endedMs),
    status: visit.response?.status ?? 0,
    times,
    code: visit.code ?? '',
    failure: visit.failure === null ? '' : probeWords.failure[visit.failure],
    from: target.icmp?.from ?? '',
  }
  const slow = (visit.connectedMs ?? 0) >= SLOW_MS
  return [
    fill(verdictText(target), values),
    ...(visit.tls === null || visit.tls.refusal === null
      ? []
      : [fill(words.certificate, { code: visit.tls.refusal })]),
    ...(slow ? [fill(times > 0 ? words.slowSyn : words.slow, values)] : []),
    ...hopText(target),
  ].join(' ')
}

function verdictText({ verdict, visit, icmp, hops }: ConnectTarget): string {
  const { verdict: texts } = words
  if (verdict === 'reset-on-request' && isResetBefore(visit)) return words.resetAtOnce
  if (verdict !== 'refused') return texts[verdict]
  if (icmp !== null) return icmp.from === null ? words.refusedByIcmp : words.refusedByIcmpFrom
  return hops?.answered?.by === 'rst' ? texts.refused : words.refusedUnseen
}

/** It was closed before the request left. */
function isResetBefore({ states }: Visit): boolean {
  return states.some(({ step, state }) => step === 'connected' && state === 'CLOSED')
}

/** Where the walk says more than the verdict: who refuses, or behind whom SYNs get lost. */
function hopText({ hops, verdict, icmp }: ConnectTarget): string[] {
  if (verdict === 'unreachable' && icmp !== null) {
    return icmp.from === null ? [] : [fill(words.unreachableBy, { from: icmp.from })]
  }
  if (hops === null || icmp !== null) return []
  const { answered, answerHops, routers } = hops
  const last = routers.findLast(({ from }) => from !== null)
  if (answered === null) {
    if (verdict !== 'filtered') return []
    return last === undefined
      ? [words.lostAtOnce]
      : [fill(words.lostBehind, { from: last.from ?? '', ttl: last.ttl })]
  }
  if (answered.by !== 'rst' || answerHops === null) return []
  // It took `ttl` hops to be answered, but the answer has fewer behind it: the box nearer to us sent it.
  const nearer = answerHops + 1 < answered.ttl
  const near = routers.find(({ ttl }) => ttl === answerHops + 1)?.from ?? null
  if (!nearer) return [fill(words.refusedAt, { ttl: answered.ttl })]
  return [
    fill(near === null ? words.refusedNearer : words.refusedNearerBy, {
      hops: answerHops + 1,
      ttl: answered.ttl,
      from: near ?? '',
    }),
  ]
}
