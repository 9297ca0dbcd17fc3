import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findCommand } from '../../src/cli/commands/find.ts'
import { parseWithCommander } from '../../src/cli/grammar.ts'
import { joinPairs } from '../../src/cli/scan.ts'
import { root } from '../helpers/built.ts'
import {
  commandsOf,
  examplesOf,
  matches,
  outputOf,
  pages,
  pageText,
  words,
} from '../helpers/examples.ts'

// docs/explain.md is run by explain-page.test.ts, without a process for each line.
const all = pages().map((page) => ({ page, text: pageText(page) }))
const examples = all
  .filter(({ page }) => page !== 'docs/explain.md')
  .flatMap(({ page, text }) => examplesOf(text).map((example) => ({ page, ...example })))

test.each(examples)('$page: $command', (example) => {
  const output = outputOf(example)
  // The diff is what the reader of a failure needs; npm run examples writes it into the page.
  if (!matches(example.shown, output)) expect(example.shown.join('\n')).toBe(output.join('\n'))
})

test('README.md shows the incident', () => {
  const shown = examples.filter(({ page }) => page === 'README.md').map(({ command }) => command)
  expect(shown).toContain('test/captures/incident/listen-backlog.pcap')
})

describe('commands that need the reader’s own files are understood', () => {
  const typed = all.flatMap(({ page, text }) =>
    commandsOf(text).map((command) => ({ page, command })),
  )

  test('there are some', () => expect(typed.length).toBeGreaterThan(10))

  test.each(typed)('$page: tcpwhy $command', ({ command }) => {
    const argv = words(command)
    const found = findCommand(argv)
    if (found.is === 'group') throw new Error(`${found.group} is not a whole command`)
    const { spec, rest } = found
    expect(parseWithCommander(joinPairs(rest, spec), spec, []).is).toBe('run')
  })
})

test.each(all)('links of $page lead somewhere', ({ page, text }) => {
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)].map((match) => match[1]!)
  const lost = links.filter((link) => !existsSync(join(root, dirname(page), link)))
  expect(lost).toEqual([])
})
