import { describe, expect, test } from 'vitest'
import { markdownBlock, markdownCode, markdownText } from '../../src/report/escape.ts'
import { html } from '../../src/report/formats/html.ts'
import { markdown } from '../../src/report/formats/markdown.ts'
import { expectGolden } from '../golden.ts'
import { fixtures, hostile } from './fixtures.ts'

const options = { color: false, verbose: true }

describe('Markdown and HTML', () => {
  for (const name of Object.keys(fixtures) as (keyof typeof fixtures)[]) {
    test(`${name}: as its goldens`, () => {
      const report = fixtures[name]
      expectGolden(`reports/goldens/${name}.md`, [...markdown.render(report, options)].join(''))
      expectGolden(`reports/goldens/${name}.html`, [...html.render(report, options)].join(''))
    })
  }

  test('HTML: hostile text makes no element and no line', () => {
    const page = [...html.render(hostile, options)].join('')
    expect(page).not.toMatch(/<script/i)
    expect(page.match(/<[a-z!/][^>]*>/g)?.filter((tag) => /alert|owned/.test(tag))).toEqual([])
    expect(page).toContain('&lt;script&gt;')
  })

  test('Markdown: markup, HTML, tables, lists and mentions are only shown', () => {
    expect(markdownText('a*b* [x](y) <b> | `c` &amp; _i_ tcp_abort')).toBe(
      'a\\*b\\* \\[x\\](y) \\<b> \\| \\`c\\` &amp;amp; \\_i\\_ tcp_abort',
    )
    expect(['- a', '# a', '1. a', '> a', '12) a'].map(markdownText)).toEqual([
      '\\- a',
      '\\# a',
      '1\\. a',
      '\\> a',
      '12\\) a',
    ])
    expect(markdownText('10.0.0.1 -1')).toBe('10.0.0.1 -1')
    expect(markdownText('@all')).toBe('`@`all')
  })

  test('Markdown: code keeps its backticks', () => {
    expect(markdownCode('a``b')).toBe('```a``b```')
    expect(markdownCode('`')).toBe('`` ` ``')
    expect(markdownBlock('echo ```', '')).toBe('````sh\necho ```\n````\n')
  })

  test('Markdown: hostile text opens no HTML and mentions nobody', () => {
    const outside = [...markdown.render(hostile, options)]
      .join('')
      .replace(/^ *(`{3,})sh\n[\s\S]*?\n *\1$/gm, '')
    expect(outside).not.toMatch(/(?<!\\)<script/)
    expect(outside).not.toMatch(/@all/)
    expect(outside.split('\n').some((line) => line.startsWith('HACK'))).toBe(false)
  })
})
