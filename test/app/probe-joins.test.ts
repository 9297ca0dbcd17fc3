import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { analyzeCaptures } from '../../src/app/analyze.ts'
import type { Certainty } from '../../src/causes/cause.ts'
import type { CauseId } from '../../src/causes/ids.ts'
import { root } from '../helpers/built.ts'

// The experiment that a finding names, made and given beside its capture: what speaks for it and what against it.

const folder = mkdtempSync(join(tmpdir(), 'tcpwhy-joins-'))
afterAll(() => rmSync(folder, { recursive: true }))

type Result = Record<string, unknown>

const connected = (verdict: string, tls: object | null = null): Result => ({
  probe: 'connect',
  targets: [{ verdict, hops: null, visit: { endedMs: 40, tls } }],
})

const uploaded = (...ends: string[]): Result => ({
  probe: 'http',
  targets: [{}],
  spent: { connections: 9 },
  idle: { closedAfterMs: null, how: null, waitedMs: 5000 },
  race: null,
  uploads: ends.map((ended) => ({ ended })),
})

const burst = (listenOverflows: number | null, answered: number): Result => {
  const counted =
    listenOverflows === null ? null : { deepest: 9, drops: listenOverflows, listenOverflows }
  const failures = [{ kind: 'connect-timeout', count: 200 - answered }]
  const all = { connections: 50, answered: 50, slowHandshakes: 0, failures: [], counted }
  return {
    probe: 'backlog',
    targets: [{}],
    listener: listenOverflows === null ? null : { limit: 8 },
    bursts: [all, { ...all, connections: 200, answered, failures }],
  }
}

const silent = (longestSurvivedMs: number, shortestDiedMs: number | null): Result => {
  const died = shortestDiedMs === null ? null : ('fin' as const)
  const run = { longestSurvivedMs, shortestDiedMs, flavour: died, by: died && 'server' }
  return {
    probe: 'idle',
    targets: [{ runs: [{ keepalive: 'off', traffic: 'none', attempts: [], ...run }] }],
  }
}

async function findingOf(capture: string, cause: CauseId, probes: string[] = []) {
  const inputs = [join(root, 'test/captures', capture)]
  const { report } = await analyzeCaptures({ inputs, at: [], filter: {}, all: false, probes })
  const finding = report.findings.find((f) => f.cause === cause)
  if (finding === undefined) throw new Error(`${cause} is not found in ${capture}`)
  return { report, finding }
}

/** To the server of the finding, half a minute after the capture. */
async function joined(capture: string, cause: CauseId, { targets, ...result }: Result) {
  const { report, finding } = await findingOf(capture, cause)
  const of = report.connections.listed.find(({ id }) => id === finding.affected.examples[0])
  const startedAt = report.sources[0]?.to
  const all = (targets as object[]).map((t) => ({ name: 'x', address: of?.server, ...t }))
  const path = join(folder, `${cause}-${Math.abs(hash(JSON.stringify([capture, result])))}.json`)
  const head = { schema: 'tcpwhy.probe/1', startedAt, durationMs: 9000 }
  writeFileSync(path, JSON.stringify({ ...head, ...result, targets: all }))
  return { before: finding, after: (await findingOf(capture, cause, [path])).finding }
}

function hash(text: string): number {
  return [...text].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) | 0, 7)
}

interface Row {
  capture: string
  cause: CauseId
  result: Result
  /** What the capture alone says, and both together. */
  certainty: [Certainty, Certainty]
  because?: RegExp
  against?: RegExp
}

const TLS = { protocol: 'TLSv1.3' }

const rows: readonly Row[] = [
  {
    capture: 'tls-failure/no-shared-version.pcap',
    cause: 'tls-failure',
    result: connected('tls-failed'),
    certainty: ['likely', 'confirmed'],
    because: /TLS handshake of tcpwhy probe connect failed/,
  },
  {
    capture: 'tls-failure/no-shared-version.pcap',
    cause: 'tls-failure',
    result: connected('served', TLS),
    certainty: ['likely', 'likely'],
    against: /when tcpwhy probe connect tried, it was served/,
  },
  {
    capture: 'accept-and-close/nginx-worker-connections.pcap',
    cause: 'accept-and-close',
    result: connected('closed-on-request'),
    certainty: ['likely', 'confirmed'],
    because: /its request closed without an answer/,
  },
  {
    capture: 'accept-and-close/nginx-worker-connections.pcap',
    cause: 'accept-and-close',
    result: connected('served'),
    certainty: ['likely', 'likely'],
    against: /it was served/,
  },
  {
    capture: 'close-with-unread-data/early-response-upload.pcap',
    cause: 'close-with-unread-data',
    result: uploaded('fin', 'lost'),
    certainty: ['likely', 'confirmed'],
    because: /sent 2 bodies: the answers to 1 were lost/,
  },
  {
    capture: 'close-with-unread-data/early-response-upload.pcap',
    cause: 'close-with-unread-data',
    result: uploaded('kept', 'fin'),
    certainty: ['likely', 'likely'],
    against: /each answer came whole/,
  },
  {
    capture: 'path-mtu-black-hole/upload.pcap',
    cause: 'path-mtu-black-hole',
    result: uploaded('kept', 'timeout'),
    certainty: ['likely', 'confirmed'],
    because: /no answer in time to 1 of 2 long bodies/,
  },
  {
    capture: 'syn-queue-overflow/no-cookies.pcap',
    cause: 'syn-queue-overflow',
    result: burst(0, 60),
    certainty: ['possible', 'possible'],
    because: /140 SYNs had no answer or a late one/,
  },
  {
    capture: 'syn-queue-overflow/no-cookies.pcap',
    cause: 'syn-queue-overflow',
    result: burst(30, 60),
    certainty: ['possible', 'possible'],
    against: /its kernel counted/,
  },
  {
    capture: 'peer-restarted/listening-again.pcap',
    cause: 'peer-restarted',
    result: silent(3_600_000, null),
    certainty: ['likely', 'likely'],
    because: /no limit of time ended these/,
  },
  {
    capture: 'peer-restarted/listening-again.pcap',
    cause: 'peer-restarted',
    result: silent(900, 1000),
    certainty: ['likely', 'possible'],
    against: /it may have been that limit/,
  },
]

describe('experiment and capture together', () => {
  test.each(rows)('$cause of $capture', async ({ capture, cause, result, ...row }) => {
    const { before, after } = await joined(capture, cause, result)
    expect([before.certainty, after.certainty]).toEqual(row.certainty)
    const textOf = (list: readonly { text: string; kind: string }[]) =>
      list.flatMap(({ text, kind }) => (kind === 'probe' ? text : [])).join('\n')
    expect(textOf(after.because)).toMatch(row.because ?? /^$/)
    expect(textOf(after.against)).toMatch(row.against ?? /^$/)
    expect(textOf([...before.because, ...before.against])).toBe('')
  })
})
