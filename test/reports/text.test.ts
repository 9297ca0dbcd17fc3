import { describe, expect, test } from 'vitest'
import { text } from '../../src/report/formats/text.ts'
import { COLUMNS, widthOf } from '../../src/report/wrap.ts'
import { expectGolden } from '../golden.ts'
import { fixtures, hostile, threeFindings } from './fixtures.ts'

function rendered(report: keyof typeof fixtures, options = { color: false, verbose: true }) {
  return [...text.render(fixtures[report], options)].join('')
}

describe('text report', () => {
  for (const name of Object.keys(fixtures) as (keyof typeof fixtures)[]) {
    test(`${name}: as its golden`, () => {
      expectGolden(`reports/goldens/${name}.txt`, rendered(name))
    })

    test(`${name}: fits 100 columns, commands that cannot be broken excepted`, () => {
      const wide = rendered(name)
        .split('\n')
        .filter((line) => widthOf(line) > COLUMNS)
      for (const line of wide) expect(line).toMatch(/^ +(\$ )?("[^"]*"|\S+)( \\)?$/)
    })
  }

  test('the first line is the answer', () => {
    expect(rendered('three-findings').split('\n')[0]).toBe(threeFindings.headline)
  })

  test('without -v the connections are not listed', () => {
    const brief = rendered('three-findings', { color: false, verbose: false })
    expect(brief).not.toContain('10.77.1.5:40895')
    expect(rendered('three-findings')).toContain('10.77.1.5:40895')
  })

  test('colours only if asked, and they change nothing else', () => {
    const plain = rendered('three-findings')
    const colored = rendered('three-findings', { color: true, verbose: true })
    expect(plain).not.toContain('\x1b')
    expect(colored).toContain('\x1b[31m')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes are control characters
    expect(colored.replace(/\x1b\[\d+m/g, '')).toBe(plain)
  })

  test('hostile text cannot steer the terminal or fake a line', () => {
    const shown = [...text.render(hostile, { color: false, verbose: true })].join('')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: looking for control characters
    expect(shown).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]/)
    expect(shown.split('\n').some((line) => line.startsWith('HACK'))).toBe(false)
  })

  test('connections can come one at a time instead of from the report', () => {
    const listed = threeFindings.connections.listed
    const pieces = text.render(
      { ...threeFindings, connections: { ...threeFindings.connections, listed: [] } },
      {
        color: false,
        verbose: true,
        listed: (function* () {
          yield* listed
        })(),
      },
    )
    expect([...pieces].join('')).toContain('10.77.1.5:40895')
  })
})
