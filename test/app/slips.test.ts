import { copyFileSync, linkSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { analyzeCaptures } from '../../src/app/analyze.ts'
import type { AnalyzeOptions } from '../../src/app/types.ts'
import { refuseInput } from '../../src/cli/file.ts'

const capture = 'test/captures/incident/listen-backlog.pcap'
const slip = (options: Partial<AnalyzeOptions>) =>
  analyzeCaptures({ inputs: [capture], at: [], filter: {}, all: false, ...options })

describe('an output that is the input', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tcpwhy-slips-'))
    copyFileSync(capture, join(folder, 'a.pcap'))
    copyFileSync(capture, join(folder, 'b.pcap'))
    linkSync(join(folder, 'a.pcap'), join(folder, 'other-name.pcap'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('is refused, under another name too', async () => {
    const input = join(folder, 'a.pcap')
    await expect(refuseInput(input, [input])).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    const other = join(folder, 'other-name.pcap')
    await expect(refuseInput(other, ['-', input])).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  })

  test('near misses: another file, a file that is not there yet', async () => {
    const input = join(folder, 'a.pcap')
    await expect(refuseInput(join(folder, 'b.pcap'), [input])).resolves.toBeUndefined()
    await expect(refuseInput(join(folder, 'new'), [input])).resolves.toBeUndefined()
  })
})

test('a filter that leaves nothing says so instead of judging', async () => {
  const { report } = await slip({ filter: { port: 443 } })
  expect(report.headline).toBe('The filter leaves none of 3,445 TCP segments: nothing was judged')
  expect(report.sources[0]?.faults.map((f) => f.name)).toContain('filtered-out')
})

test('a span that ends before it begins is refused', async () => {
  const filter = {
    since: { is: 'relative', ns: 5_000_000_000n },
    before: { is: 'relative', ns: 2_000_000_000n },
  } as const
  await expect(slip({ filter })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
})

test('captures of different traffic are not silently judged as two ends of one', async () => {
  const at = [
    { vantage: 'client', path: 'test/captures/injected-reset/both-ends.client.pcap' },
    { vantage: 'server', path: 'test/captures/healthy/busy.pcap' },
  ] as const
  const { report } = await slip({ inputs: [], at })
  for (const source of report.sources) {
    expect(source.faults.map((f) => f.name)).toContain('nothing-paired')
  }
})

test('a capture that --at says the place of is not compared with itself', async () => {
  const path = 'test/captures/injected-reset/both-ends.client.pcap'
  const { report } = await slip({ inputs: [], at: [{ vantage: 'client', path }] })
  expect(report.excluded.map((e) => e.cause)).not.toContain('injected-reset')
  expect(report.sources[0]?.at).toBe('client')
  expect(report.vantage).toBeUndefined()
})

test('payload that was rewritten on the way is told, though TCP noticed nothing', async () => {
  const files = ['client', 'server'] as const
  const at = files.map((vantage) => ({
    vantage,
    path: `test/captures/healthy/payload-rewritten.${vantage}.pcap`,
  }))
  const { report } = await slip({ inputs: [], at })
  expect(report.vantage?.changes).toEqual({ 'payload rewritten': 6 })
})

test('findings from both ends do not ask for captures of both ends', async () => {
  const files = ['client', 'server'] as const
  const at = files.map((vantage) => ({
    vantage,
    path: `test/captures/middlebox-idle-timeout/drop.${vantage}.pcap`,
  }))
  const { report } = await slip({ inputs: [], at })
  const commands = report.findings.flatMap((f) => f.confirm.map((c) => c.command ?? ''))
  expect(report.findings.length).toBeGreaterThan(0)
  expect(commands.filter((c) => c.includes('--at client='))).toEqual([])
})
