import { describe, expect, test } from 'vitest'
import type { Concluded, LabReport, LabScore, ScoreRun } from '../lab/report.ts'
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
  kernel: [{ state: 'LISTEN', reason: 'INVALID_SYN', count: 36, process: null }],
  agreement: { is: 'agrees', fitting: 36, of: 36, makers: { 'accept-queue-overflow': 36 } },
  drops: { is: 'agrees', fitting: 36, of: 36, reasons: { TCP_LISTEN_OVERFLOW: 36 } },
  fix: 'backlog=4096',
  fixed: outcome(false, 0),
  fixedConcluded: { verdict: 'healthy', headline: 'Healthy: 9 connections' },
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
      'the fault is gone, but not all is well',
      { fixed: { ...outcome(false, 3), remains: '3 of 9 requests failed: too slow' } },
      'with the fix it is gone, yet 3 of 9 requests failed: too slow',
    ],
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
    expect(text).toContain('the captures with the fix: Healthy: 9 connections')
    expect(text).toContain('36 x INVALID_SYN in LISTEN, on arrival of a packet')
    expect(text).toContain('It agrees with what was concluded: 36 of 36 reset connections')
    expect(text.replaceAll(/\s+/g, ' ')).toContain('36 of 36 connections (TCP_LISTEN_OVERFLOW)')
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
  const run = (judged: Concluded['judged']): ScoreRun => ({
    isReproduced: true,
    concluded: [
      {
        evidence: 'both',
        judged,
        verdict: 'problem',
        headline: '',
        first: 'port-closed',
        certainty: 'likely',
      },
    ],
    kernel: ['NO_SOCKET'],
    agreement: { is: 'agrees', fitting: 5, of: 5, makers: { 'syn-to-closed-port': 5 } },
    drops: { is: 'agrees', fitting: 5, of: 5, reasons: { NO_SOCKET: 5 } },
    failed: null,
    fromMs: 0,
    seconds: 9,
  })
  const score: LabScore = {
    schema: 'tcpwhy.lab-score/1',
    tool: { name: 'tcpwhy', version: '0' },
    kernel: '6.18',
    runs: 3,
    isInterrupted: false,
    rows: [
      {
        scenario: 'a',
        variant: 'x',
        expected: { verdict: 'problem', cause: 'port-closed' },
        isUnstable: false,
        runs: [run('right'), run('right'), run('right')],
      },
      {
        scenario: 'b',
        variant: 'y',
        expected: { verdict: 'healthy', cause: null },
        isUnstable: true,
        runs: [run('right'), { ...run('wrong'), isReproduced: false }, run('right')],
      },
    ],
    wrong: 1,
    took: [{ run: 1, seconds: 125, longest: { story: 'a/x', seconds: 9.4 } }],
    seconds: 20,
  }
  const text = labScoreText(score, { color: false })

  test('how many of three runs gave each answer; an unstable row is marked, a wrong one named', () => {
    expect(text).toMatch(/^1 sure claim was wrong; 1 of 2 stories .* in all of 3 runs$/m)
    expect(text).toMatch(
      /^a\/x +port-closed +- +- +right 3\/3 +- +- +- +agrees: syn-to-closed-port 3\/3 +agrees: NO_SOCKET 3\/3$/m,
    )
    expect(text).toMatch(
      /^b\/y ~ +healthy; 1 of 3 not reproduced .* right 2\/3, WRONG: port-closed 1\/3/m,
    )
  })

  test('answers added up by evidence, and what each run took', () => {
    expect(text).toMatch(/^both captures +5 +0 +0 +0 +0 +1 +1$/m)
    expect(text).toContain('Run 1: 2 min 5 s; the longest story was a/x, 9 s.')
    expect(text).toContain('Of 6 performances, 6 had resets that agree')
    expect(text).toContain('Of 6 whose conclusion means dropped packets, in 6 the kernel told')
  })

  test('stories by fresh eyes have a table and a score of their own', () => {
    expect(text).toContain('Nobody but the authors')
    const [first, second] = score.rows
    const rows: LabScore['rows'] = [first!, { ...second!, author: 'fresh-eyes' }]
    const told = labScoreMarkdown({ ...score, rows })
    const [own = '', fresh = ''] = told.split('## Written by fresh eyes')
    expect(own).toContain('| a/x | port-closed | - | - | right 3/3 |')
    expect(own).toContain('No sure claim was wrong: 1 of 1 stories')
    expect(own).not.toContain('b/y')
    expect(fresh).toContain('1 sure claim was wrong; 0 of 1 stories')
    expect(fresh).toContain('| b/y ~ |')
  })
})
