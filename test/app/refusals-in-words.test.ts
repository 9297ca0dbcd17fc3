import { describe, expect, test } from 'vitest'
import type { Report } from '../../src/diagnose/report.ts'
import { tcpwhy } from '../helpers/built.ts'
import { diagnoseCapture } from '../helpers/diagnose-capture.ts'
import { mysqlCapture, refused, welcome } from '../helpers/mysql-exchanges.ts'
import { folderOfOurOwn } from './given.ts'

const write = folderOfOurOwn()
/** After more healthy ones than are looked at, every second of 120 is refused. */
const behindMany = Array.from({ length: 1400 }, (_, i) =>
  i >= 900 && i < 1020 && i % 2 === 0 ? refused : welcome,
)

test('refusals that begin after a hundred healthy connections are found, and all are counted', async () => {
  const stories = Array.from({ length: 140 }, (_, i) => (i < 100 ? welcome : refused))
  const report = await diagnoseCapture(mysqlCapture(stories))
  expect(report.findings[0]).toMatchObject({
    cause: 'connection-limit',
    certainty: 'confirmed',
    affected: { connections: 40, of: 140 },
  })
})

test('also behind more healthy ones than are looked at, among others that go on', async () => {
  const report = await diagnoseCapture(mysqlCapture(behindMany))
  expect(report.findings[0]).toMatchObject({
    cause: 'connection-limit',
    certainty: 'confirmed',
    affected: { connections: 60, of: 1400 },
  })
})

// What is built has the core, which looks at some answers only, so that the file is read once more for the others.
describe.each([false, true])('as built, both sides of a NAT: %s', (translated) => {
  test('all refusals and connections are counted, each once', () => {
    const file = write(`refused-${translated}.pcap`, mysqlCapture(behindMany, { translated }))
    const { text } = tcpwhy(['analyze', file, '--json'])
    const { connections, findings, translation } = JSON.parse(text) as Report
    expect(translation).toEqual(translated ? { connections: 1400 } : undefined)
    expect(connections).toMatchObject({ total: 1400, byEnding: { clean: 1400 } })
    expect(findings[0]).toMatchObject({
      cause: 'connection-limit',
      affected: { connections: 60, of: 1400 },
    })
  })
})

test('what only looks like both sides of a NAT is read to its end all the same', () => {
  const stories = Array.from({ length: 300 }, () => welcome)
  const capture = mysqlCapture(stories, { translated: true, forwarded: false })
  const { text } = tcpwhy(['analyze', write('alike.pcap', capture), '--json'])
  const { connections, translation, sources } = JSON.parse(text) as Report
  expect(translation).toBeUndefined()
  expect(connections).toMatchObject({ total: 600, byEnding: { clean: 600 } })
  expect(sources[0]!.counts['tcp']).toBe(600 * 10)
})

test('the same without a refusal is healthy', async () => {
  const stories = Array.from({ length: 140 }, () => welcome)
  const report = await diagnoseCapture(mysqlCapture(stories))
  expect(report.verdict).toBe('healthy')
})
