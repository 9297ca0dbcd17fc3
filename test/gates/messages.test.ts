import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { en } from '../../src/messages/en/index.ts'
import type { CauseMessages, Step } from '../../src/messages/types.ts'
import { root } from '../helpers/built.ts'

// Templates and code meet only at run time, so here both are read: a placeholder that nobody fills, and a sentence that nobody
// says, are found without a capture that happens to need them.

/** What `diagnose` fills into every title and step (src/diagnose/finding.ts). */
const GIVEN = [
  ...['connections', 'server', 'host', 'address', 'port', 'client'],
  // src/diagnose/experiment.ts
  ...['target', 'url', 'talk', 'max', 'silence', 'patience'],
]
const FORMATS = ['ms', 'octets', 'count', 'time']
const PLACEHOLDER = /\{(\w+)(?::(\w+)\}|\}|\?[^|{}]*(?:\{[\w:]+\}[^|{}]*)*\|)/g

const folder = join(root, 'src/causes')
const idsOfCauses = Object.keys(en)
const helpers = ['', 'machine/']
  .flatMap((at) => readdirSync(join(folder, at)).map((name) => at + name))
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => name.slice(0, -'.ts'.length))
  .filter((name) => !idsOfCauses.includes(basename(name)))
  .filter((name) => !['index', 'ids', 'cause'].includes(name))
const shared = helpers.map((name) => namesIn(readFileSync(join(folder, `${name}.ts`), 'utf8')))

describe.each(Object.entries(en as Record<string, CauseMessages>))('%s', (id, messages) => {
  const own = namesIn(
    [`${id}.ts`, `machine/${id}.ts`]
      .map((name) => join(folder, name))
      .filter((path) => existsSync(path))
      .map((path) => readFileSync(path, 'utf8'))
      .join('\n'),
  )
  const filled = new Set([own, ...shared].flatMap(({ properties }) => [...properties]))
  const literals = new Set([own, ...shared].flatMap(({ strings }) => [...strings]))

  test('every placeholder of the evidence is filled by the code', () => {
    for (const [key, template] of Object.entries(messages.because)) {
      for (const name of placeholders(template)) {
        expect(own.said.get(key) ?? filled, `${key}: {${name}}`).toContain(name)
      }
    }
  })

  test('every placeholder of titles and steps is filled by the code', () => {
    const { machine, variants = {} } = messages
    const forms = [messages, machine ?? {}, ...Object.values({ ...variants })]
    const texts = [...forms, ...Object.values(machine?.variants ?? {})].flatMap(textsOf)
    for (const name of texts.flatMap(placeholders)) {
      expect([...GIVEN, ...filled], `{${name}}`).toContain(name)
    }
  })

  test('every sentence is said somewhere', () => {
    const parts = [...literals]
    for (const key of Object.keys(messages.because)) {
      // `until-${how}` is said for each key that begins so.
      const said =
        literals.has(key) || parts.some((part) => part.endsWith('-') && key.startsWith(part))
      expect(said, key).toBe(true)
    }
  })

  test('every variant is concluded somewhere', () => {
    for (const { variants } of [messages, messages.machine ?? {}]) {
      for (const variant of Object.keys(variants ?? {})) expect(literals).toContain(variant)
    }
  })

  test('formats are known', () => {
    const whole = JSON.stringify(messages)
    const formats = [...whole.matchAll(PLACEHOLDER)].flatMap(([, , format]) => format ?? [])
    for (const format of formats) expect(FORMATS).toContain(format)
  })
})

function placeholders(template: string): string[] {
  return [...template.matchAll(PLACEHOLDER)].map(([, name]) => name!)
}

function textsOf(part: {
  title?: string
  now?: readonly Step[]
  confirm?: readonly Step[]
  fix?: readonly (Step & { setting?: string; verify?: string })[]
}): string[] {
  const steps = [...(part.now ?? []), ...(part.confirm ?? []), ...(part.fix ?? [])]
  const all = steps.flatMap((s: Step & { setting?: string; verify?: string }) => [
    s.text,
    s.setting,
    s.verify,
    // awk's {print $4} is not ours, and shell's ${x} neither.
    s.command,
  ])
  return [part.title, ...all].filter((text) => text !== undefined)
}

interface Names {
  properties: Set<string>
  strings: Set<string>
  /** Values given where `say('key', { a, b })` is written out: exactly these. */
  said: Map<string, Set<string>>
}

function namesIn(source: string): Names {
  const names: Names = { properties: new Set(), strings: new Set(), said: new Map() }
  const visit = (node: ts.Node): void => {
    collect(node, names)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('x.ts', source, ts.ScriptTarget.ES2023, true))
  return names
}

function collect(node: ts.Node, { properties, strings, said }: Names): void {
  if (ts.isPropertyAssignment(node) || ts.isShorthandPropertyAssignment(node)) {
    properties.add(node.name.getText())
  }
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) strings.add(node.text)
  if (ts.isTemplateHead(node)) strings.add(node.text)
  if (!ts.isCallExpression(node) || node.expression.getText() !== 'say') return
  const [key, values] = node.arguments
  if (key === undefined || values === undefined || !ts.isObjectLiteralExpression(values)) return
  if (!ts.isStringLiteral(key) || values.properties.some(ts.isSpreadAssignment)) return
  const given = values.properties.map((property) => property.name!.getText())
  const before = said.get(key.text)
  // Said in several places: what all of them give.
  said.set(key.text, new Set(before === undefined ? given : given.filter((g) => before.has(g))))
}
