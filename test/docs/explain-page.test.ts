import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { cli } from '../cli/fake.ts'

const page = readFileSync(new URL('../../docs/explain.md', import.meta.url), 'utf8')
const examples = [...page.matchAll(/```console\n\$ tcpwhy (.+)\n([\s\S]*?)\n```/g)]

test('the page has its examples', () => {
  expect(examples.length).toBeGreaterThanOrEqual(5)
})

for (const [, command = '', shown = ''] of examples) {
  test(`tcpwhy ${command}`, async () => {
    const { out, err } = await cli(words(command))
    const lines = (out + err).trimEnd().split('\n')
    const expected = shown.split('\n')
    // "..." at the end: the rest is left out on the page
    const cut = expected.at(-1) === '...'
    expect(cut ? lines.slice(0, expected.length - 1) : lines).toEqual(
      cut ? expected.slice(0, -1) : expected,
    )
  })
}

/** Words of a command line; single quotes only, as the page uses them. */
function words(command: string): string[] {
  return (command.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^'(.*)'$/, '$1'))
}
