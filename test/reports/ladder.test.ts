import { describe, expect, test } from 'vitest'
import { segmentNotes } from '../../src/flow/facts.ts'
import { ladderWords } from '../../src/messages/en/ladder.ts'
import { flagsText, ladderText, ordinal } from '../../src/report/ladder.ts'
import { cli } from '../cli/fake.ts'
import { expectGolden } from '../golden.ts'
import { healthy } from './fixtures.ts'
import { ladders } from './ladders.ts'

function shown(name: keyof typeof ladders, all = false): string {
  return [...ladderText(ladders[name], { color: false, all })].join('')
}

describe('ladder', () => {
  test('an idle connection: as its golden', () => {
    expectGolden('reports/goldens/ladder-idle.txt', shown('idle'))
  })

  test('the first 40 and the last 80 rows of a long one', () => {
    expectGolden('reports/goldens/ladder-long.txt', shown('long'))
    expect(shown('long')).not.toContain(' 1000040 ')
    expect(shown('long')).toContain(' 1000320 ')
  })

  test('with --all every row', () => {
    const rows = shown('long', true)
      .split('\n')
      .filter((line) => /^ 10\d{5} /.test(line))
    expect(rows).toHaveLength(400)
  })

  test('never wider than 100 columns', () => {
    for (const line of `${shown('idle')}${shown('long')}`.split('\n')) {
      expect(line.length, line).toBeLessThanOrEqual(100)
    }
  })

  test('as narrow as the terminal, the time since the last row left out where there is no room', () => {
    for (const columns of [60, 80, 120]) {
      const drawn = [...ladderText(ladders.idle, { color: false, all: false, columns })].join('')
      const widths = drawn.split('\n').map((line) => line.length)
      expect(Math.max(...widths)).toBe(columns)
      expect(drawn.includes('since s')).toBe(columns >= 80)
    }
  })

  test('flags as tcpdump writes them', () => {
    expect([2, 18, 16, 24, 17, 4, 20, 0].map(flagsText)).toEqual([
      'S',
      'S.',
      '.',
      'P.',
      'F.',
      'R',
      'R.',
      'none',
    ])
  })

  test('ordinals', () => {
    expect([1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map(ordinal).join(' ')).toBe(
      '1st 2nd 3rd 4th 11th 12th 13th 21st 102nd 111th',
    )
  })

  test('every note of the flow layer has its remark', () => {
    for (const note of segmentNotes) {
      if (note !== 'none') expect(ladderWords.remark).toHaveProperty(note)
    }
  })

  test('--show prints it and nothing of the report; --json as tcpwhy.ladder/1', async () => {
    const analyze = () => ({ report: healthy, ladder: ladders.idle })
    const text = await cli(['a.pcap', '--show', '44'], analyze)
    expect([text.out, text.exitCode]).toEqual([shown('idle'), 0])
    const printed = await cli(['a.pcap', '--show', '44', '--json'], analyze)
    expect(JSON.parse(printed.out)).toEqual(ladders.idle)
  })
})
