import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { analyzeCaptures } from '../src/app/analyze.ts'
import type { Report } from '../src/diagnose/report.ts'

// Five lines that an incident report printed: a missing ROLLBACK, seen from the network.
const LINES = `11:38:15.679863 IP 172.18.0.5.38822 > 172.18.0.3.3306: Flags [S], seq 4065722321, win 29200, options [mss 1460,sackOK,TS val 2997352 ecr 0,nop,wscale 7], length 0
11:38:15.679923 IP 172.18.0.3.3306 > 172.18.0.5.38822: Flags [S.], seq 780487619, ack 4065722322, win 28960, options [mss 1460,sackOK,TS val 2997352 ecr 2997352,nop,wscale 7], length 0
11:38:15.679936 IP 172.18.0.5.38822 > 172.18.0.3.3306: Flags [.], ack 1, win 229, options [nop,nop,TS val 2997352 ecr 2997352], length 0
11:38:45.693382 IP 172.18.0.3.3306 > 172.18.0.5.38822: Flags [F.], seq 123, ack 144, win 227, options [nop,nop,TS val 3000355 ecr 2997359], length 0
11:38:45.740958 IP 172.18.0.5.38822 > 172.18.0.3.3306: Flags [.], ack 124, win 229, options [nop,nop,TS val 3000360 ecr 3000355], length 0
`

describe('five pasted lines of tcpdump', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tcpwhy-'))
  let report: Report

  beforeAll(async () => {
    const path = join(folder, 'pasted.txt')
    writeFileSync(path, LINES)
    report = (await analyzeCaptures({ inputs: [path], at: [], filter: {}, all: true })).report
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('half-closed, by the server, 30.01 s after the handshake', () => {
    expect(report.connections.total).toBe(1)
    const connection = report.connections.listed[0]!
    expect(connection).toMatchObject({ ending: 'half-closed', endedBy: 'server', sawStart: true })
    expect(connection).toMatchObject({ client: '172.18.0.5:38822', server: '172.18.0.3:3306' })
    const [finding] = report.findings
    expect(finding!.because.some(({ text }) => text.includes('30.01 s after the handshake'))).toBe(
      true,
    )
  })

  test('what was exchanged and is not in the excerpt is missing, not lost', () => {
    const connection = report.connections.listed[0]!
    expect(connection.missingOctets).toEqual({ client: 143, server: 122 })
    expect(connection.payloadOctets).toEqual({ client: 0, server: 0 })
    for (const kind of Object.values(connection.retransmissions)) {
      expect(kind).toEqual({ client: 0, server: 0 })
    }
    expect(report.findings.map(({ cause }) => cause)).not.toContain('packet-loss')
  })

  test('many octets that only acknowledgments tell of: the source is called an excerpt, not lossy', async () => {
    expect(report.sources[0]!.faults.map(({ name }) => name)).not.toContain('octets-missing')
    const path = join(folder, 'longer.txt')
    writeFileSync(path, LINES.replaceAll('seq 123', 'seq 9123').replaceAll('ack 124', 'ack 9124'))
    const longer = (await analyzeCaptures({ inputs: [path], at: [], filter: {}, all: true })).report
    const fault = longer.sources[0]!.faults.find(({ name }) => name === 'octets-missing')
    expect(fault).toMatchObject({ count: 9122 + 143 })
    expect(fault!.text).toContain('excerpt')
    expect(fault!.text).not.toContain('lost')
  })

  test("the client's application does not close: likely; an open transaction cannot be told from here", () => {
    expect(report.verdict).toBe('problem')
    expect(report.findings[0]).toMatchObject({
      cause: 'close-wait-leak',
      certainty: 'likely',
      culprit: { side: 'client', host: '172.18.0.5' },
    })
    const unknown = report.unknown.find(({ cause }) => cause === 'open-transaction')
    expect(unknown).toBeDefined()
    expect(unknown!.missing.length + unknown!.ask.length).toBeGreaterThan(0)
  })
})
