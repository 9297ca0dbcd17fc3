import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

// Imports are dependency-cruiser's to check; the globals that need no import are looked for here.
const root = join(import.meta.dirname, '../..')
const { pureFolders } = (await import(join(root, '.dependency-cruiser.mjs'))) as {
  pureFolders: string[]
}

/** The machine, the clock and chance, as names that are there without an import. */
const IMPURE = new Set([
  'Buffer',
  'Bun',
  'Deno',
  'console',
  'crypto',
  'fetch',
  'global',
  'globalThis',
  'navigator',
  'performance',
  'process',
  'queueMicrotask',
  'require',
  'setImmediate',
  'setInterval',
  'setTimeout',
])
/** What the machine's locale and time zone decide. */
const LOCAL =
  /^(localeCompare|toLocale\w+|getTimezoneOffset|get(Hours|Minutes|Date|Day|Month|FullYear))$/

describe('pure folders use no process, clock, chance or console', () => {
  test.each(pureFolders)('src/%s', (folder) => {
    const found = sources(join(root, 'src', folder)).flatMap((path) =>
      impurities(path, readFileSync(path, 'utf8')).map((what) => `${path}: ${what}`),
    )
    expect(found).toEqual([])
  })

  test.each([
    ['process.env', 'process'],
    ['const t = Date.now()', 'Date.now'],
    ['const t = new Date()', 'new Date()'],
    ['const n = Math.random()', 'Math.random'],
    ['const f = { log: console.log }', 'console'],
    ['const b = { Buffer }', 'Buffer'],
    ["'a'.localeCompare('b')", 'localeCompare'],
  ])('it would find: %s', (source, what) => {
    expect(impurities('x.ts', source)).toEqual([what])
  })

  test.each([
    'this.process(1)',
    'const kind = { process: 1 }',
    'class A { process(frame: number) { return frame } }',
    'const d = new Date(5).toISOString()',
    'const at = Math.round(Date.UTC(2026, 1))',
    'interface Finding { process?: { pid: number } }',
    'const f = ({ process }: F) => process.pid',
  ])('it would let pass: %s', (source) => {
    expect(impurities('x.ts', source)).toEqual([])
  })
})

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => join(folder, name))
}

function impurities(path: string, text: string): string[] {
  const found: string[] = []
  const own = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (isBinding(node)) own.add(node.name.getText())
    const what = impurity(node)
    if (what !== null) found.push(what)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true))
  return found.filter((name) => !own.has(name))
}

function impurity(node: ts.Node): string | null {
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date') {
    return (node.arguments?.length ?? 0) === 0 ? 'new Date()' : null
  }
  if (ts.isPropertyAccessExpression(node)) {
    const whole = node.getText()
    if (whole === 'Date.now' || whole === 'Math.random') return whole
    return LOCAL.test(node.name.text) ? node.name.text : null
  }
  if (ts.isIdentifier(node) && IMPURE.has(node.text) && isUse(node)) return node.text
  return null
}

/** A variable or parameter: from then on that name is the file's own. */
function isBinding(
  node: ts.Node,
): node is ts.BindingElement | ts.VariableDeclaration | ts.ParameterDeclaration {
  return ts.isBindingElement(node) || ts.isVariableDeclaration(node) || ts.isParameter(node)
}

/** A name that is read, not one that is being given to a member, parameter or property. */
function isUse(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node
  if (ts.isShorthandPropertyAssignment(parent)) return true
  if (ts.isQualifiedName(parent)) return parent.left === node
  return (parent as { name?: ts.Node }).name !== node
}
