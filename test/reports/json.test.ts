import { describe, expect, test } from 'vitest'
import { json } from '../../src/report/formats/json.ts'
import { fixtures, threeFindings } from './fixtures.ts'

const options = { color: false, verbose: false }

describe('JSON report', () => {
  for (const [name, report] of Object.entries(fixtures)) {
    test(`${name}: parses to exactly the report`, () => {
      const text = [...json.render(report, options)].join('')
      expect(JSON.parse(text)).toEqual(report)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: looking for control characters
      expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]/)
    })
  }

  test('one line a connection', () => {
    const text = [...json.render(threeFindings, options)].join('')
    expect(text.split('\n').filter((line) => line.startsWith('      {"id":'))).toHaveLength(2)
  })

  test('a hundred thousand connections are never one string', () => {
    const one = threeFindings.connections.listed[0]!
    let longest = 0
    let count = 0
    const listed = Array.from({ length: 100_000 }, () => one)
    for (const piece of json.render(threeFindings, { ...options, listed })) {
      longest = Math.max(longest, piece.length)
      count++
    }
    expect(longest).toBeLessThan(10_000)
    expect(count).toBeGreaterThan(100_000)
  })
})
