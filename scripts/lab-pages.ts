// npm run lab-pages -- ID...: plays scenarios with all their variants (root) and writes into docs/lab/ID.md what the old tools and tcpwhy printed.
// What stands above the table of variants is written by hand; the table comes from the scenarios.
// npm run lab-pages -- --tables: only the tables of all pages, nothing is played.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { scenarios } from '../src/lab/scenarios/index.ts'
import type { Scenario, Variant } from '../src/lab/types.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const MARKER = '<!-- below: npm run lab-pages -->'

const TABLE = '## Variants\n'
const PATIENCE_MS = 300_000

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

function write(id: string): void {
  const scenario = scenarios.find((one) => one.id === id)
  if (scenario === undefined) throw new Error(`no scenario ${id}`)
  const [first, ...others] = scenario.variants.map((variant) => played(scenario, variant))
  if (!first) throw new Error(`${id}: its first variant did not go as it says`)
  const above = existsSync(pathOf(scenario)) ? readFileSync(pathOf(scenario), 'utf8') : ''
  const told = others.filter((one) => one !== null)
  const more = told.map(({ words, told }) => `\n${block(`$ sudo ${words}\n${told}`)}`).join('')
  writeFileSync(
    pathOf(scenario),
    `${withTable(above.split(MARKER)[0]!, scenario)}\n${MARKER}\n\n${shown(first)}${more}`,
  )
}

interface Played {
  words: string
  tools: string
  told: string
}

/** null: it did not go as the scenario says; why is told on standard error, and the exit code is 1. */
function played(scenario: Scenario, { id: variant, touches }: Variant): Played | null {
  const kept = mkdtempSync(join(tmpdir(), 'tcpwhy-lab-page-'))
  const which = variant === scenario.variants[0].id ? [] : ['--variant', variant]
  const fix = scenario.fix === undefined ? [] : ['--fix']
  const touch = touches === undefined ? [] : ['--touch-host']
  const words = ['lab', 'run', scenario.id, ...which, ...fix, ...touch]
  const how = ['--quiet', '--no-color', '--keep', kept]
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['bin/tcpwhy.js', ...words, ...how],
    { cwd: root, encoding: 'utf8', timeout: PATIENCE_MS, killSignal: 'SIGINT' },
  )
  if (status !== 0) {
    console.error(`${words.join(' ')} ended with ${status}: ${stdout}${stderr}`)
    process.exitCode = 1
    return null
  }
  const tools = readFileSync(join(kept, 'before/tools.txt'), 'utf8').trimEnd()
  rmSync(kept, { recursive: true })
  console.log(words.join(' '))
  return { words: ['tcpwhy', ...words].join(' '), tools, told: stdout.trimEnd() }
}

function shown({ words, tools, told }: Played): string {
  return `## What the engineer's own tools print

At the moment of failure, and afterwards, in a run with \`--keep\` (\`tools.txt\`); the packets are those of one connection that
the conclusion below is about. Long outputs are cut, and of counters only those are shown that rose and tell something.

${block(tools)}
## What tcpwhy says

${block(`$ sudo ${words}\n${told}`)}`
}

function block(text: string): string {
  return `\`\`\`text\n${text}\n\`\`\`\n`
}
