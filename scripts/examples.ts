// npm run examples: runs the examples (```console blocks) of README.md and docs/ and writes what they print now into the pages.
// Where a page leaves lines out ("..."), as many lines before the first and after the last "..." are kept as it shows.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../test/helpers/built.ts'
import { examplesOf, matches, outputOf, pages, pageText } from '../test/helpers/examples.ts'

for (const page of pages()) {
  const before = pageText(page)
  let text = before
  for (const example of examplesOf(before)) {
    const output = outputOf(example)
    if (matches(example.shown, output)) continue
    const old = ['', ...example.shown].join('\n')
    text = text.replace(`$ tcpwhy ${example.command}${old}`, () =>
      [`$ tcpwhy ${example.command}`, ...shorten(output, example.shown)].join('\n'),
    )
    console.log(`${page}: tcpwhy ${example.command}`)
  }
  if (text !== before) writeFileSync(join(root, page), text)
}

function shorten(output: readonly string[], shown: readonly string[]): readonly string[] {
  const first = shown.indexOf('...')
  if (first < 0) return output
  const behind = shown.length - 1 - shown.lastIndexOf('...')
  return [...output.slice(0, first), '...', ...(behind === 0 ? [] : output.slice(-behind))]
}
