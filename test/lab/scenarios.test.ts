import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { causes } from '../../src/causes/index.ts'
import { labRun } from '../../src/cli/commands/lab.ts'
import type { OptionSpec } from '../../src/cli/spec.ts'
import { scenarios } from '../../src/lab/scenarios/index.ts'
import { root } from '../helpers/built.ts'

const ids = scenarios.map(({ id }) => id)

test('scenarios are sorted, each in the file of its name', () => {
  expect(ids).toEqual([...ids].sort())
  expect(ids.filter((id) => !existsSync(join(root, `src/lab/scenarios/${id}.ts`)))).toEqual([])
})

describe.each(scenarios.map((scenario) => [scenario.id, scenario] as const))(
  '%s',
  (_, scenario) => {
    const variants = scenario.variants.map((variant) => variant.id)

    test('its variants have names of their own, and what is wrong has a fix', () => {
      expect(new Set(variants).size).toBe(variants.length)
      const isHarmless = scenario.kind === 'healthy'
      for (const { fix, expects } of scenario.variants) {
        if (expects.verdict === 'problem') expect(fix).not.toBeNull()
        expect(expects.verdict === 'problem').toBe(!isHarmless)
      }
      if (!isHarmless) expect(scenario.fix).toBeDefined()
    })

    test('its page has every variant: how it is made, what takes it away, what must be said', () => {
      const page = readFileSync(join(root, `docs/lab/${scenario.id}.md`), 'utf8')
      const rows = [...page.matchAll(/^\| `([\w-]+)` \| (.+) \| (.+) \| \[?([^\]|]+)/gm)]
      expect(rows.map(([, id, fault, fix]) => ({ id, fault, fix }))).toEqual(
        scenario.variants.map(({ id, fault, fix }) => ({
          id,
          fault,
          fix: fix ?? 'nothing to fix',
        })),
      )
      const said = rows.map(([, , , , cause]) => cause!.trim().split(' ')[0])
      expect(said).toEqual(scenario.variants.map(({ expects: e }) => e.cause ?? e.verdict))
      expect(page).toMatch(/^## What happens, step by step\n\n\S/m)
    })

    // Stories by fresh eyes stay as they were written until what tcpwhy makes of them has been scored.
    if (scenario.author === undefined)
      test('its page is a lesson: steps, what the old tools print, what tcpwhy says', () => {
        const page = readFileSync(join(root, `docs/lab/${scenario.id}.md`), 'utf8')
        const [steps = '', shown = ''] = page.split('<!-- below: npm run lab-pages -->')
        expect(steps.match(/^\d\. /gm)?.length ?? 0).toBeGreaterThanOrEqual(3)
        const [tools = '', said = ''] = shown.split('## What tcpwhy says')
        expect(tools).toMatch(/^(client|server|router|db)\d?\$ (ss|nstat|tcpdump) /m)
        // The answer is the line after the command.
        const answers = [...said.matchAll(/^\$ sudo tcpwhy lab run ([\w-]+).*\n(.+)/gm)]
        expect(answers[0]?.[2]).toContain(`${scenario.id} (${scenario.variants[0].id}): `)
        for (const [, id, answer] of answers) {
          expect(id).toBe(scenario.id)
          expect(answer).not.toMatch(/could not|did not|undecided|is named where/)
        }
      })

    test('expects causes and variants that tcpwhy concludes', () => {
      for (const { expects } of scenario.variants) {
        // What no packet shows is the kernel's and the application's to tell, in a later release perhaps.
        if (expects.cause === null || expects.isOffWire) continue
        const file = join(root, `src/causes/${expects.cause}.ts`)
        expect(causes.map(({ id }) => id)).toContain(expects.cause)
        if (expects.variant !== undefined)
          expect(readFileSync(file, 'utf8')).toContain(`'${expects.variant}'`)
      }
    })
  },
)

test('docs/lab.md: every option of lab run, with the words of --help', () => {
  const page = readFileSync(join(root, 'docs/lab.md'), 'utf8')
  const options = page.split('## Options of `lab run`')[1]!.split('\n## ')[0]!
  const spelled = (labRun.options as readonly OptionSpec[]).map(
    ({ name, short, value, help }) =>
      `| \`${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}\` | ${help} |`,
  )
  expect(options.match(/^\| `-.*$/gm)).toEqual(spelled)
})
