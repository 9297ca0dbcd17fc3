import { describe, expect, test } from 'vitest'
import { isUnstable, tookOf, wrongOf } from './aggregate.ts'
import type { ScoreRow, ScoreRun } from './report.ts'

type Concluded = ScoreRun['concluded'][number]
const concluded = (over: Partial<Concluded> = {}): Concluded => ({
  evidence: 'both',
  judged: 'right',
  verdict: 'problem',
  headline: '',
  first: 'port-closed',
  certainty: 'likely',
  ...over,
})
const run = (over: Partial<ScoreRun> = {}): ScoreRun => ({
  isReproduced: true,
  concluded: [concluded()],
  kernel: [],
  agreement: { is: 'agrees', fitting: 1, of: 1, makers: {} },
  failed: null,
  fromMs: 0,
  seconds: 10,
  ...over,
})
const row = (variant: string, runs: ScoreRun[]): ScoreRow => ({
  scenario: 's',
  variant,
  expected: { verdict: 'problem', cause: 'port-closed' },
  isUnstable: isUnstable(runs),
  runs,
})

describe('a row is unstable where its runs differ', () => {
  test.each([
    ['all alike, some slower', [run(), run({ seconds: 20 })], false],
    ['one was less sure', [run(), run({ concluded: [concluded({ judged: 'undecided' })] })], true],
    [
      'another cause that is allowed too',
      [
        run({ concluded: [concluded({ judged: 'enough' })] }),
        run({ concluded: [concluded({ judged: 'enough', first: 'path-lost' })] }),
      ],
      true,
    ],
    [
      'undecided, between other suspects',
      [
        run({ concluded: [concluded({ judged: 'undecided' })] }),
        run({ concluded: [concluded({ judged: 'undecided', first: 'path-lost' })] }),
      ],
      false,
    ],
    ['one could not be played', [run(), run({ failed: 'no', concluded: [] })], true],
    ['one did not happen', [run(), run({ isReproduced: false })], true],
    [
      'the kernel agreed once',
      [run(), run({ agreement: { is: 'disagrees', fitting: 0, of: 1, makers: {} } })],
      true,
    ],
  ] as const)('%s', (_, runs, is) => {
    expect(isUnstable(runs)).toBe(is)
  })
})

test('wrong claims are counted over rows, runs and evidence', () => {
  const wrong = concluded({ judged: 'wrong' })
  const rows = [
    row('a', [run({ concluded: [wrong, concluded()] }), run({ concluded: [wrong] })]),
    row('b', [run({ concluded: [wrong] }), run()]),
  ]
  expect(wrongOf(rows)).toBe(3)
})

test('what a run took: stories at the same time once, a pause between them not', () => {
  const rows = [
    row('a', [run({ fromMs: 0 }), run({ fromMs: 100_000, seconds: 7 })]),
    row('b', [run({ fromMs: 5000 })]),
    row('c', [run({ fromMs: 60_000, seconds: 30 })]),
  ]
  expect(tookOf(rows)).toEqual([
    { run: 1, seconds: 45, longest: { story: 's/c', seconds: 30 } },
    { run: 2, seconds: 7, longest: { story: 's/a', seconds: 7 } },
  ])
})
