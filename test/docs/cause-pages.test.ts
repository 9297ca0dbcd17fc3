import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { causeIds } from '../../src/causes/ids.ts'
import { catalog, catalogIds } from '../../src/report/explain/catalog.ts'

const folder = new URL('../../docs/causes/', import.meta.url)
const HEADINGS = ['Seen', 'Why', 'How we know', 'Easily confused with', 'What to do', 'References']
const UNMEASURED = '† From documentation or general knowledge; not measured by us.'

function pageOf(id: string): string {
  return readFileSync(new URL(`${id}.md`, folder), 'utf8')
}

function section(page: string, heading: string): string {
  return page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
}

describe('docs/causes', () => {
  test('one page a cause and no other', () => {
    const pages = readdirSync(folder).filter((name) => name.endsWith('.md'))
    expect(pages.sort()).toEqual(causeIds.map((id) => `${id}.md`).sort())
    expect(catalogIds).toEqual([...causeIds])
  })

  describe.each([...causeIds])('%s', (id) => {
    const page = pageOf(id)

    test('title is the one that explain lists', () => {
      expect(page.split('\n')[0]).toBe(`# ${id}: ${catalog[id].title}`)
    })

    test('exactly the six headings', () => {
      expect([...page.matchAll(/^##+ (.*)$/gm)].map((m) => m[1])).toEqual(HEADINGS)
    })

    test('lines of a confusion begin with a cause that exists, not with itself', () => {
      const lines = section(page, 'Easily confused with').match(/^- .*$/gm) ?? []
      const named = lines.flatMap((line) => [...line.split(':')[0]!.matchAll(/`([a-z-]+)`/g)])
      const known = new Set<string>(causeIds)
      const variants = Object.values(catalog).flatMap((entry) => entry.variants ?? [])
      const extra = ['reset', 'drop', ...variants]
      for (const [, name = ''] of named) expect(known.has(name) || extra.includes(name)).toBe(true)
      expect(named.length).toBeGreaterThan(0)
      expect(named.map((m) => m[1])).not.toContain(id)
    })

    test('what to do: now first, then fix, retries and how to verify', () => {
      const steps = [...section(page, 'What to do').matchAll(/^\*\*(.+?)\.\*\*/gm)].map((m) => m[1])
      expect(steps[0]).toBe('Now')
      expect(steps.at(-1)).toBe('Verify')
      expect(steps).toEqual(expect.arrayContaining(['Fix', 'Retries']))
    })

    test('fits a terminal, and what was not measured is said', () => {
      for (const line of page.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
      expect(page.includes(UNMEASURED)).toBe(page.replace(UNMEASURED, '').includes('†'))
    })
  })
})
