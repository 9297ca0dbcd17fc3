import { describe, expect, test } from 'vitest'
import { isExpectedFirst, judge } from './judge.ts'
import type { Concluded } from './report.ts'
import type { Expects } from './types.ts'

type Finding = Concluded['findings'][number]
const finding = (cause: Finding['cause'], more: Partial<Finding> = {}): Finding => ({
  cause,
  certainty: 'likely',
  severity: 'problem',
  title: '',
  culprit: 'server',
  ...more,
})
const overflow: Expects = {
  verdict: 'problem',
  cause: 'accept-queue-overflow',
  variant: 'reset',
  enough: ['server-stalled'],
  shallower: ['connect-filtered'],
}
const found = (
  evidence: Concluded['evidence'],
  verdict: Concluded['verdict'],
  ...findings: Finding[]
) => ({
  evidence,
  verdict,
  findings,
})

describe('a conclusion is judged by what was done', () => {
  test.each([
    [
      'the cause and its variant',
      found('both', 'problem', finding('accept-queue-overflow', { variant: 'reset' })),
      'right',
    ],
    [
      'another variant',
      found('both', 'problem', finding('accept-queue-overflow', { variant: 'syn-dropped' })),
      'variant',
    ],
    [
      'unsure, verdict inconclusive',
      found('both', 'inconclusive', finding('accept-queue-overflow', { certainty: 'possible' })),
      'undecided',
    ],
    [
      'unsure first, something sure behind it',
      found(
        'client',
        'problem',
        finding('port-closed', { certainty: 'possible' }),
        finding('linger-zero'),
      ),
      'undecided',
    ],
    ['as near as the sources come', found('both', 'problem', finding('server-stalled')), 'enough'],
    [
      'shallower from one capture',
      found('client', 'problem', finding('connect-filtered')),
      'enough',
    ],
    [
      'shallower although both captures are there',
      found('both', 'problem', finding('connect-filtered')),
      'wrong',
    ],
    ['another cause, surely', found('client', 'problem', finding('port-closed')), 'wrong'],
    [
      'the right cause behind a wrong one',
      found('both', 'problem', finding('port-closed'), finding('accept-queue-overflow')),
      'wrong',
    ],
    ['nothing wrong in one capture', found('client', 'healthy'), 'unseen'],
    ['nothing wrong in both', found('both', 'healthy'), 'wrong'],
    [
      'benign in both',
      found('both', 'benign', finding('health-check', { severity: 'benign' })),
      'wrong',
    ],
  ] as const)('%s', (_, conclusion, is) => {
    expect(judge(overflow, conclusion)).toBe(is)
  })

  test('a live host can name it as a remark only: nobody there knows whether anybody was harmed', () => {
    const remark = finding('accept-queue-overflow', { severity: 'notice' })
    expect(judge(overflow, found('live', 'benign', remark))).toBe('enough')
    expect(judge(overflow, found('client', 'benign', remark))).toBe('unseen')
    const guess = { ...remark, certainty: 'possible' as const }
    expect(judge(overflow, found('live', 'benign', guess))).toBe('unseen')
  })

  test('the cause of which it is a special case, where one end alone is seen', () => {
    const general = ['data-after-close'] as const
    const conclusion = (evidence: Concluded['evidence']) =>
      found(evidence, 'problem', finding('data-after-close'))
    expect(judge(overflow, conclusion('live'), general)).toBe('enough')
    expect(judge(overflow, conclusion('both'), general)).toBe('wrong')
    expect(judge(overflow, conclusion('live'))).toBe('wrong')
  })

  const healthy: Expects = { verdict: 'healthy', cause: null }
  const checks: Expects = { verdict: 'benign', cause: 'health-check' }
  test.each([
    ['healthy is healthy', healthy, found('both', 'healthy'), 'right'],
    [
      'a remark beside nothing wrong',
      healthy,
      found('both', 'benign', finding('health-check')),
      'enough',
    ],
    [
      'a problem where there is none',
      healthy,
      found('both', 'problem', finding('port-closed')),
      'wrong',
    ],
    [
      'unsure where there is none',
      healthy,
      found('both', 'inconclusive', finding('port-closed')),
      'undecided',
    ],
    ['benign with its name', checks, found('server', 'benign', finding('health-check')), 'right'],
    ['benign unnamed', checks, found('server', 'healthy'), 'unseen'],
  ] as const)('%s', (_, expected, conclusion, is) => {
    expect(judge(expected, conclusion)).toBe(is)
  })
})

test('all captures count before one of them', () => {
  const one = (evidence: Concluded['evidence'], judged: Concluded['judged']): Concluded => ({
    ...found(evidence, 'problem'),
    headline: '',
    findings: [],
    judged,
  })
  expect(
    isExpectedFirst([one('client', 'undecided'), one('server', 'right'), one('both', 'enough')]),
  ).toBe(true)
  expect(
    isExpectedFirst([one('client', 'right'), one('server', 'right'), one('both', 'wrong')]),
  ).toBe(false)
  expect(isExpectedFirst([one('client', 'variant')])).toBe(true)
  expect(isExpectedFirst([one('live', 'right')])).toBe(false)
  expect(isExpectedFirst([])).toBe(false)
})
