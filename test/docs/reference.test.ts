import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { errorCodes } from '../../src/base/errors.ts'
import { analyze } from '../../src/cli/commands/analyze.ts'
import { exitCodeOf } from '../../src/cli/exit-code.ts'
import type { OptionSpec } from '../../src/cli/spec.ts'
import type { Report } from '../../src/diagnose/report.ts'
import { endings } from '../../src/evidence/endings.ts'
import { cli } from '../cli/fake.ts'

function page(path: string): string {
  return readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')
}

/** First cells of the table rows below a heading that are code. */
function rows(text: string, heading: string): string[] {
  const section = text.split(new RegExp(`^## ${heading}$`, 'm'))[1]?.split(/^## /m)[0] ?? ''
  return [...section.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]!)
}

test('docs/errors.md: every code and no other, sorted', () => {
  const described = [...page('docs/errors.md').matchAll(/^\| `([A-Z_]+)` \|/gm)].map((m) => m[1])
  expect(described).toEqual([...errorCodes])
})

test('docs/cli.md: every option of analyze and no other, with the words of --help', () => {
  const spelled = (analyze.options as readonly OptionSpec[]).map(
    ({ name, short, value, help }) =>
      `| \`${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}\` | ${help} |`,
  )
  const table = page('docs/cli.md').match(/^\| `-.*$/gm)
  expect(table).toEqual(spelled)
})

describe('docs/report.md', () => {
  const text = page('docs/report.md')
  const { definitions } = JSON.parse(page('schema/tcpwhy.report.1.json'))

  for (const type of ['Report', 'Finding', 'Source', 'ConnectionSummary']) {
    test(`${type}: every field of the schema and no other`, () => {
      expect(rows(text, type)).toEqual(Object.keys(definitions[type].properties))
    })
  }

  test('exit codes are those of the program', () => {
    const told = [...text.matchAll(/^\| (\d) \| `(\w+)` \|/gm)].map((m) => [Number(m[1]), m[2]])
    expect(told).toHaveLength(4)
    for (const [code, verdict] of told) {
      expect(exitCodeOf({ verdict: verdict as Report['verdict'] })).toBe(code)
    }
  })

  test('names every ending', () => {
    for (const ending of endings) expect(text).toContain(`\`${ending}\``)
  })
})

describe('every tcpwhy command line in the docs is understood', () => {
  for (const path of ['docs/cli.md', 'docs/errors.md', 'docs/export.md', 'docs/report.md']) {
    for (const line of commandLines(page(path))) {
      test(`${path}: ${line}`, async () => {
        const { err } = await cli(words(line))
        expect(err).toBe('')
      })
    }
  }
})

/** What follows `tcpwhy` in code blocks and code spans, up to a pipe or redirection; -o and --export left out. */
function commandLines(text: string): string[] {
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap((m) => m[1]!.split('\n'))
  const spans = [...text.matchAll(/`(tcpwhy [^`]*)`/g)].map((m) => m[1]!)
  return [...blocks, ...spans]
    .flatMap((line) => line.match(/(?:^|\| )tcpwhy (?:'[^']*'|[^'|>])*/)?.[0] ?? [])
    .map((line) => line.replace(/^.*?tcpwhy /, '').trim())
    .filter((line) => !/\b[A-Z]{4,}\b/.test(line) || line.includes("'"))
}

function words(line: string): string[] {
  const all = line.match(/'[^']*'|\S+/g) ?? []
  return all
    .map((word) => word.replace(/^'(.*)'$/, '$1'))
    .filter((word, i) => !isOutput(word) && !isOutput(all[i - 1] ?? ''))
}

function isOutput(word: string): boolean {
  return word === '-o' || word === '--export'
}
