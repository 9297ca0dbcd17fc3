import { describe, expect, test } from 'vitest'
import type { Concluded, LabReport, LabScore } from '../lab/report.ts'
import { labScoreMarkdown, labScoreText } from './lab-score-text.ts'
import { beforeAfter, labText } from './lab-text.ts'

const concluded = (over: Partial<Concluded> = {}): Concluded => ({
  evidence: 'both',
  judged: 'right',
  verdict: 'problem',
  headline: 'the queue was full',
  findings: [
    {
      cause: 'accept-queue-overflow',
      variant: 'reset',
      certainty: 'likely',
      severity: 'problem',
      title: '',
      culprit: 'server',
    },
  ],
  ...over,
})
const outcome = (failing: boolean, failed: number) => ({
  failing,
  symptom: `${failed} failed`,
  measures: [
    { name: 'failed', value: failed },
    { name: 'slowest', value: 1015.25, unit: 'ms' },
  ],
})
const report: LabReport = {
  schema: 'tcpwhy.lab/1',
  tool: { name: 'tcpwhy', version: '0' },
  scenario: 'listen-backlog',
  variant: 'abort-on-overflow',
  title: '',
  fault: 'backlog=10',
  expected: { verdict: 'problem', cause: 'accept-queue-overflow', variant: 'reset' },
  reproduced: outcome(true, 1464),
  concluded: [concluded()],
  kernel: [{ state: 'TCP_LISTEN', reason: 'INVALID_SYN', count: 36, process: null }],
  fix: 'backlog=4096',
  fixed: outcome(false, 0),
  isAsExpected: true,
  faults: [],
  seconds: 12.5,
}
const firstLine = (over: Partial<LabReport>) =>
  labText({ ...report, ...over }, { color: false })
    .split('\n')
    .slice(0, 2)
    .join(' ')

describe('tcpwhy lab run', () => {
  test.each([
    [
      'all as expected',
      {},
      'reproduced, and named: accept-queue-overflow; with the fix it is gone',
    ],
    ['no fix was asked for', { fixed: null }, 'reproduced, and named: accept-queue-overflow'],
    [
      'the root cannot be seen',
      {
        concluded: [
          concluded({
            judged: 'enough' as const,
            findings: [{ ...concluded().findings[0]!, cause: 'client-timeout' as const }],
          }),
        ],
      },
      'named as far as it can be seen: client-timeout (the root is accept-queue-overflow)',
    ],
    [
      'the fix did not help',
      { isAsExpected: false, fixed: outcome(true, 9) },
      'the fix did not take it away',
    ],
    [
      'it did not happen',
      { isAsExpected: false, fixed: null, reproduced: outcome(false, 0) },
      'could not be reproduced this time',
    ],
    [
      'something else is named',
      {
        isAsExpected: false,
        fixed: null,
        concluded: [
          concluded({
            judged: 'wrong' as const,
            findings: [{ ...concluded().findings[0]!, cause: 'port-closed' as const }],
          }),
        ],
      },
      'reproduced, but port-closed is named where accept-queue-overflow is the cause',
    ],
  ])('first line: %s', (_, over, says) => {
    expect(firstLine(over)).toContain(says)
  })

  test('before and after stand side by side; at most 100 columns', () => {
    const text = labText(report, { color: false })
    expect(text).toMatch(/^ +before +after$/m)
    expect(text).toMatch(/^ {2}failed +1,464 +0$/m)
    expect(text).toMatch(/^ {2}slowest +1,015\.3 ms +1,015\.3 ms$/m)
    expect(text).toContain('36 x INVALID_SYN in TCP_LISTEN, on arrival of a packet')
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
  })

  test('a number that only one of them has leaves the other empty', () => {
    const after = { ...outcome(false, 0), measures: [{ name: 'new', value: 1 }] }
    expect(beforeAfter(outcome(true, 2), after).rows).toEqual([
      ['failed', '2', ''],
      ['slowest', '1,015.3 ms', ''],
      ['new', '', '1'],
    ])
  })
})

describe('tcpwhy lab score', () => {
  const run = (judged: Concluded['judged']) => ({
    isReproduced: true,
    concluded: [
      {
        evidence: 'both' as const,
        judged,
        verdict: 'problem' as const,
        first: 'port-closed',
        certainty: 'likely' as const,
      },
    ],
    kernel: ['NO_SOCKET'],
    failed: null,
    seconds: 9,
  })
  const score: LabScore = {
    schema: 'tcpwhy.lab-score/1',
    tool: { name: 'tcpwhy', version: '0' },
    kernel: '6.18',
    runs: 2,
    isInterrupted: false,
    rows: [
      {
        scenario: 'a',
        variant: 'x',
        expected: { verdict: 'problem', cause: 'port-closed' },
        runs: [run('right'), run('right')],
      },
      {
        scenario: 'b',
        variant: 'y',
        expected: { verdict: 'healthy', cause: null },
        runs: [run('right'), { ...run('wrong'), isReproduced: false }],
      },
    ],
    wrong: 1,
    seconds: 20,
  }

  test('where runs differ, each is counted; a wrong one is named', () => {
    const text = labScoreText(score, { color: false })
    expect(text).toMatch(/^1 sure claim was wrong; 1 of 2 stories/)
    expect(text).toMatch(/^a\/x +port-closed +- +- +right +- +NO_SOCKET$/m)
    expect(text).toMatch(/^b\/y +healthy; 1 of 2 not reproduced .* 1 right, 1 WRONG: port-closed/m)
  })

  test('as a table of Markdown', () => {
    expect(labScoreMarkdown(score)).toContain(
      '| a/x | port-closed | - | - | right | - | NO_SOCKET |',
    )
  })
})
