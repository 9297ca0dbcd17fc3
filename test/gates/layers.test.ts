import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const config = join(root, '.dependency-cruiser.mjs')

interface Rule {
  name: string
  comment: string
}
interface Rules {
  default: { forbidden: Rule[] }
  layers: Record<string, { may: string[]; types: string[]; promise: string }>
}
const { default: rules, layers } = (await import(config)) as Rules

describe('the table of layers', () => {
  const foldersOfSrc = readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)

  test('has every folder of src and no other', () => {
    expect(Object.keys(layers).sort()).toEqual(foldersOfSrc.sort())
  })

  test('docs/architecture.md says of every folder what it may not do', () => {
    const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8')
    const told = [...page.matchAll(/^### `(\w+)\/`$/gm)].map((match) => match[1])
    expect(told.sort()).toEqual(foldersOfSrc.sort())
  })

  test('every rule has a sentence for whoever breaks it', () => {
    for (const { name, comment } of rules.forbidden) expect(comment, name).toMatch(/\w{3}.*\.$/)
  })
})

/** One file a rule that breaks it, and nothing else does. Path -> its text. */
const broken: Record<string, string> = {
  'src/zz/x.ts': "import { x } from '../base/ok.ts'\nexport const y = x\n",
  'src/base/ok.ts': 'export const x = 1\n',
  'src/base/circle.ts': "import { b } from './circle2.ts'\nexport const a = () => b\n",
  'src/base/circle2.ts': "import { a } from './circle.ts'\nexport const b = () => a\n",
  'src/base/lost.ts': "import { x } from './nowhere.ts'\nexport const y = x\n",
  'src/base/entry.ts': "import { x } from '../index.ts'\nexport const y = x\n",
  'src/base/tested.ts': "import { x } from './ok.test.ts'\nexport const y = x\n",
  'src/base/ok.test.ts': 'export const x = 1\n',
  'src/cli/dev.ts': "import fc from 'fast-check'\nexport const y = fc\n",
  'src/index.ts': 'export const x = 1\n',
}

for (const [folder, { may, types }] of Object.entries(layers)) {
  const strange = ['zz', ...Object.keys(layers)].find(
    (f) => ![folder, ...may, ...types].includes(f),
  )
  broken[`src/${folder}/x.ts`] = 'export const x = 1\n'
  broken[`src/${folder}/far.ts`] = `import { x } from '../${strange}/x.ts'\nexport const y = x\n`
  broken[`src/${folder}/os.ts`] = "import { cpus } from 'node:os'\nexport const y = cpus\n"
  if (types[0] === undefined) continue
  broken[`src/${folder}/value.ts`] = `import { x } from '../${types[0]}/x.ts'\nexport const y = x\n`
  broken[`src/${folder}/type.ts`] =
    `import type { x } from '../${types[0]}/x.ts'\nexport type Y = typeof x\n`
}

describe('each rule catches what it is there for', () => {
  const place = mkdtempSync(join(tmpdir(), 'tcpwhy-layers-'))
  afterAll(() => rmSync(place, { recursive: true }))

  const found = violations(place)

  test.each(rules.forbidden.map(({ name }) => name))('%s', (name) => {
    expect(found.map(({ rule }) => rule)).toContain(name)
  })

  test('types may be imported where the table says so', () => {
    expect(found.filter(({ from }) => from.endsWith('/type.ts'))).toEqual([])
  })
})

function violations(place: string): { rule: string; from: string }[] {
  for (const [path, text] of Object.entries(broken)) {
    mkdirSync(dirname(join(place, path)), { recursive: true })
    writeFileSync(join(place, path), text)
  }
  writeFileSync(join(place, 'package.json'), readFileSync(join(root, 'package.json')))
  writeFileSync(join(place, 'tsconfig.json'), readFileSync(join(root, 'tsconfig.json')))
  const bin = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs')
  symlinkSync(join(root, 'node_modules'), join(place, 'node_modules'))
  const out = run(bin, ['src', '--config', config, '--output-type', 'json'], place)
  const { summary } = JSON.parse(out) as {
    summary: { violations: { rule: { name: string }; from: string }[] }
  }
  return summary.violations.map(({ rule, from }) => ({ rule: rule.name, from }))
}

/** Its exit code is the number of violations. */
function run(bin: string, args: string[], cwd: string): string {
  try {
    return execFileSync(process.execPath, [bin, ...args], { cwd, encoding: 'utf8' })
  } catch (error) {
    return (error as { stdout: string }).stdout
  }
}
