// npm run lab-pages -- ID[/VARIANT]...: plays scenarios (root) and writes into docs/lab/ID.md what the old tools and tcpwhy printed.
// What stands above the marker is written by hand.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { scenarios } from '../src/lab/scenarios/index.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const MARKER = '<!-- below: npm run lab-pages -->'

for (const id of process.argv.slice(2)) write(id)

function write(name: string): void {
  const [id = '', variant] = name.split('/')
  const scenario = scenarios.find((one) => one.id === id)
  if (scenario === undefined) throw new Error(`no scenario ${id}`)
  const path = join(root, `docs/lab/${id}.md`)
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
  const above = existsSync(path) ? readFileSync(path, 'utf8').split(MARKER)[0]!.trimEnd() : ''
  writeFileSync(
    path,
    `${above}\n\n${MARKER}\n\n${shown([id, ...which, ...fix].join(' '), { tools, told: stdout.trimEnd() })}`,
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
