import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findCommand } from '../../src/cli/commands/find.ts'
import { commands } from '../../src/cli/commands/index.ts'
import { parseWithCommander } from '../../src/cli/grammar.ts'
import { joinPairs } from '../../src/cli/scan.ts'
import { diagnoseWords } from '../../src/messages/en/diagnose.ts'
import { en } from '../../src/messages/en/index.ts'
import { explain } from '../../src/report/explain/explain.ts'
import { root } from '../helpers/built.ts'
import { words } from '../helpers/examples.ts'

// Whoever is told to type a command types it: one that this version does not have is worse than none.

const messages = stringsIn({ ...en, diagnoseWords })
const sources = ['src/causes', 'src/diagnose', 'src/messages'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => ({ name: `${folder}/${name}`, text: textOf(`${folder}/${name}`) })),
)
const pages = readdirSync(join(root, 'docs/causes')).map((name) => ({
  name: `docs/causes/${name}`,
  text: textOf(`docs/causes/${name}`),
}))

test.each(sources)('$name names no command of tcpwhy that does not exist', ({ text }) => {
  const code = text.replace(/^ *(\/\/|\/?\*).*$/gm, '')
  const named = [...code.matchAll(/['"`($; ]tcpwhy ([a-z]+)/g)].map(([, verb]) => verb)
  const known = commands.map(({ name }) => name.split(' ')[0])
  expect(named.filter((verb) => !known.includes(verb!))).toEqual([])
})

test('messages have commands of tcpwhy, and this version understands every one', () => {
  const typed = messages.flatMap(commandsIn)
  expect(typed.length).toBeGreaterThan(10)
  expect(typed.filter((command) => !isUnderstood(command))).toEqual([])
})

test.each(pages)('commands of tcpwhy in $name are understood', ({ text }) => {
  const code = text.matchAll(/`([^`\n]*\btcpwhy [^`\n]*)`/g)
  const typed = [...code].flatMap(([, inline]) => commandsIn(inline!))
  expect(typed.filter((command) => !isUnderstood(command))).toEqual([])
})

test('steps of explain are understood', () => {
  const queries = ['ECONNRESET', 'ETIMEDOUT', 'CLOSE-WAIT', 'port-closed', 'connection refused']
  const typed = queries.flatMap((query) => stringsIn(explain(query)).flatMap(commandsIn))
  expect(typed.length).toBeGreaterThan(0)
  expect(typed.filter((command) => !isUnderstood(command))).toEqual([])
})

function textOf(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : []
}

/** What is typed after `tcpwhy` in a line of shell; prose that only speaks of tcpwhy has no such word at its beginning. */
function commandsIn(line: string): string[] {
  return line
    .split(/ \| |; | && /)
    .map((part) =>
      part
        .trim()
        .replace(/^\$ /, '')
        .replace(/^sudo /, '')
        .replace(/ +# .*$/, ''),
    )
    .filter((part) => part.startsWith('tcpwhy '))
    .map((part) => part.slice('tcpwhy '.length))
}

function isUnderstood(command: string): boolean {
  const argv = words(command)
  const found = findCommand(argv)
  if (found.is === 'group') return false
  const { spec, rest, named } = found
  // What is neither a command nor an option nor a file is a verb that this version lacks.
  if (!named && /^[a-z]+$/.test(argv[0] ?? '')) return false
  try {
    return parseWithCommander(joinPairs(rest, spec), spec, []).is === 'run'
  } catch {
    return false
  }
}
