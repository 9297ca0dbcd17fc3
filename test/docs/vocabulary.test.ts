import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Cause } from '../../src/causes/cause.ts'
import { causeIds } from '../../src/causes/ids.ts'
import { causes } from '../../src/causes/index.ts'
import { endings } from '../../src/evidence/endings.ts'
import { catalog, groupTitles } from '../../src/report/explain/catalog.ts'
import { root } from '../helpers/built.ts'
import { pageText } from '../helpers/examples.ts'

const page = pageText('docs/vocabulary.md')

/** As the page names `needs`. */
const SEEN_IN = {
  packets: 'capture',
  'both-sides': 'both sides',
  payload: 'payload',
  kernel: 'kernel',
  application: 'application',
  experiment: 'experiment',
} as const

test('docs/vocabulary.md: every ending and no other, sorted', () => {
  const section = page.split('\n## Endings\n')[1]?.split('\n## ')[0] ?? ''
  expect([...section.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, id]) => id)).toEqual([...endings])
})

test('docs/vocabulary.md: every cause and no other, under its heading, in the words of explain', () => {
  const wanted = Object.entries(groupTitles).map(([group, title]) => ({
    title,
    rows: causeIds
      .filter((id) => catalog[id].group === group)
      .map((id) => `[\`${id}\`](causes/${id}.md) | ${catalog[id].title}`),
  }))
  const told = [...page.matchAll(/^### (.+)\n([\s\S]*?)(?=^### |(?![\s\S]))/gm)].map(
    ([, title, text = '']) => ({
      title,
      rows: [...text.matchAll(/^\| (\[`.*?) \| [^|]*? \|$/gm)].map(([, row]) => row),
    }),
  )
  expect(told).toEqual(wanted)
})

test('docs/vocabulary.md: where each cause can be seen is what its code needs', () => {
  for (const { id, needs } of causes as readonly Cause[]) {
    const seen = page.match(new RegExp(`^\\| \\[\`${id}\`\\].* \\| ([^|]*) \\|$`, 'm'))?.[1]
    expect(seen, id).toBe(needs.map((need) => SEEN_IN[need]).join(', '))
  }
})

test('README.md: the number of causes', () => {
  const readme = pageText('README.md')
  expect(readme).toContain(`[${causeIds.length} causes](docs/vocabulary.md)`)
  const all: readonly Cause[] = causes
  const ofHosts = all.filter((c) => c.judgeMachine !== undefined)
  const ofPackets = all.filter((c) => existsSync(join(root, `src/causes/${c.id}.test.ts`)))
  expect(readme).toContain(
    `${ofPackets.length} of them are\njudged from captures and ${ofHosts.length} from a live host`,
  )
})
