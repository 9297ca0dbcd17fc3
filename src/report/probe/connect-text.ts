import { probeWords } from '../../messages/en/probe.ts'
import { render as fill, formatCount, formatDuration } from '../../messages/render.ts'
import type { ConnectReport, ConnectTarget } from '../../probe/connect/report.ts'
import type { VisitStep } from '../../probe/visit.ts'
import { type Paint, paintFor } from '../paint.ts'
import { printable } from '../printable.ts'
import { wrap } from '../wrap.ts'
import { dimTable } from './table.ts'

const words = probeWords.connect

/** `tcpwhy probe connect` for the terminal; the first line is the answer. */
export function connectText(
  report: ConnectReport,
  { color, columns }: { color: boolean; columns?: number },
): string {
  const paint = paintFor(color, columns)
  const lines = [
    ...wrap(printable(report.conclusion), '', paint.columns).map((line) => paint.bold(line)),
    ...report.targets.flatMap((target) => stepLines(report, target, paint)),
    ...report.targets.flatMap((target) => hopLines(target, paint)),
    ...missingLines(report, paint),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function stepLines({ dns }: ConnectReport, target: ConnectTarget, paint: Paint): string[] {
  const { step, at, state, what } = words.column
  const { visit } = target
  const name =
    dns === null
      ? []
      : [[words.step.dns, formatDuration(dns.ms), '', printable(dns.addresses.join(', '))]]
  const rows = visit.states.map((seen) => [
    words.step[seen.step],
    formatDuration(seen.atMs),
    seen.state ?? '',
    whatOf(target, seen.step),
  ])
  const table = dimTable([step, at, state, what], [...name, ...rows], { right: [1], paint })
  return ['', paint.bold(`${words.heading.steps}: ${target.address}`), ...table]
}

function whatOf({ visit }: ConnectTarget, step: VisitStep): string {
  const { tls, response, retransmittedMs, acknowledgedMs } = visit
  const text = words.what
  if (step === 'opened' && retransmittedMs.length > 0) {
    return fill(text.retransmitted, { times: retransmittedMs.map(formatDuration).join(', ') })
  }
  if (step === 'secured' && tls !== null) {
    return printable(
      fill(text.tls, {
        protocol: tls.protocol,
        cipher: tls.cipher,
        alpn: tls.alpn ?? '-',
        subject: tls.subject ?? '-',
        until: tls.validTo ?? '-',
        trust: tls.refusal === null ? text.trusted : fill(text.refused, { code: tls.refusal }),
      }),
    )
  }
  if (step === 'sent' && acknowledgedMs !== null) {
    return fill(text.acknowledged, { at: formatDuration(acknowledgedMs) })
  }
  if (step === 'last-byte' && response !== null) {
    const { status, bodyOctets } = response
    return fill(text.response, { status, octets: formatCount(bodyOctets), kept: keptOf(response) })
  }
  if (step === 'ended' && visit.failure !== null) return probeWords.failure[visit.failure]
  return ''
}

function keptOf(response: NonNullable<ConnectTarget['visit']['response']>): string {
  const { keepAlive, timeoutS, maxRequests } = response
  if (!keepAlive) return words.what.notKept
  const list = [
    ...(timeoutS === null ? [] : [`timeout=${timeoutS}`]),
    ...(maxRequests === null ? [] : [`max=${maxRequests}`]),
  ].join(', ')
  return list === '' ? words.what.kept : fill(words.what.keptFor, { list })
}

function hopLines({ hops, address }: ConnectTarget, paint: Paint): string[] {
  if (hops === null) return []
  const { routers, answered } = hops
  const rows = routers.map(({ ttl, from, ms }) => [
    String(ttl),
    from ?? words.nobody,
    ms === null || from === null ? '' : formatDuration(ms),
    '',
  ])
  if (answered !== null) {
    rows.push([String(answered.ttl), answered.from ?? address, '', words.answers[answered.by]])
  }
  if (rows.length === 0) return []
  const { hop, from, at } = words.column
  return [
    '',
    paint.bold(`${words.heading.hops}: ${address}`),
    ...dimTable([hop, from, at, ''], rows, { right: [0, 2], paint }),
  ]
}

function missingLines({ missing }: ConnectReport, paint: Paint): string[] {
  if (missing.length === 0) return []
  const lines = missing.flatMap((text) => wrap(printable(text), '  - ', paint.columns))
  return ['', paint.bold(words.heading.missing), ...lines]
}
