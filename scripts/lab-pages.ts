// npm run lab-pages -- ID[/VARIANT]...: plays scenarios (root) and writes into docs/lab/ID.md what the old tools and tcpwhy printed.
// What stands above the table of variants is written by hand; the table comes from the scenarios.
// npm run lab-pages -- --tables: only the tables of all pages, nothing is played.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { scenarios } from '../src/lab/scenarios/index.ts'
import type { Scenario } from '../src/lab/types.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const MARKER = '<!-- below: npm run lab-pages -->'

const TABLE = '## Variants\n'

for (const id of process.argv.slice(2)) {
  if (id === '--tables') for (const scenario of scenarios) writeTable(scenario)
  else write(id)
}

function pathOf({ id }: Scenario): string {
  return join(root, `docs/lab/${id}.md`)
}

function writeTable(scenario: Scenario): void {
  const [above = '', below] = readFileSync(pathOf(scenario), 'utf8').split(MARKER)
  const rest = below === undefined ? '' : `\n${MARKER}${below}`
  writeFileSync(pathOf(scenario), `${withTable(above, scenario)}${rest}`)
}

/** By hand until the table. */
function withTable(page: string, { variants }: Scenario): string {
  const rows = variants.map(({ id, fault, fix, expects }) => {
    const variant = expects.variant === undefined ? '' : ` \`${expects.variant}\``
    const said =
      expects.cause === null
        ? expects.verdict
        : `[${expects.cause}](../causes/${expects.cause}.md)${variant}`
    return `| \`${id}\` | ${fault} | ${fix ?? 'nothing to fix'} | ${said} |\n`
  })
  const head =
    '| variant | how the fault is made | what takes it away | tcpwhy must say |\n|---|---|---|---|\n'
  return `${page.split(TABLE)[0]}${TABLE}\n${head}${rows.join('')}`
}

function write(name: string): void {
  const [id = '', variant] = name.split('/')
  const scenario = scenarios.find((one) => one.id === id)
  if (scenario === undefined) throw new Error(`no scenario ${id}`)
  const path = pathOf(scenario)
  const kept = mkdtempSync(join(tmpdir(), 'tcpwhy-lab-page-'))
  const fix = scenario.fix === undefined ? [] : ['--fix']
  const which = variant === undefined ? [] : ['--variant', variant]
  const words = [
    'bin/tcpwhy.js',
    'lab',
    'run',
    id,
    ...which,
    ...fix,
    '--quiet',
    '--no-color',
    '--keep',
    kept,
  ]
  const { stdout, stderr, status } = spawnSync(process.execPath, words, {
    cwd: root,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${id} ended with ${status}: ${stdout}${stderr}`)
  const tools = readFileSync(join(kept, 'before/tools.txt'), 'utf8').trimEnd()
  rmSync(kept, { recursive: true })
  const above = existsSync(path) ? readFileSync(path, 'utf8').split(MARKER)[0]! : ''
  writeFileSync(
    path,
    `${withTable(above, scenario)}\n${MARKER}\n\n${shown([id, ...which, ...fix].join(' '), { tools, told: stdout.trimEnd() })}`,
  )
}

function shown(words: string, { tools, told }: { tools: string; told: string }): string {
  return `## What the engineer's own tools print

At the moment of failure, and afterwards; from a run with \`--keep\` (\`tools.txt\`).

\`\`\`
${tools}
\`\`\`

## What tcpwhy says

\`\`\`
$ sudo tcpwhy lab run ${words}
${told}
\`\`\`
`
}
