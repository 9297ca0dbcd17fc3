import type { CommandSpec } from '../spec.ts'
import { analyze } from './analyze.ts'
import { commands } from './index.ts'

/**
 * What a command line begins with: a command by one word ("queue") or two ("probe idle"), the first word alone of such a pair
 * ("probe"), or neither, which is `analyze` with everything as its words.
 */
export type Found =
  | { is: 'command'; spec: CommandSpec; rest: readonly string[]; named: boolean }
  | { is: 'group'; group: string; members: readonly CommandSpec[]; rest: readonly string[] }

export function findCommand(argv: readonly string[]): Found {
  const [first = '', second = ''] = argv
  const pair = commands.find(({ name }) => name === `${first} ${second}`)
  if (pair !== undefined) return { is: 'command', spec: pair, rest: argv.slice(2), named: true }
  const single = commands.find(({ name }) => name === first)
  if (single !== undefined) return { is: 'command', spec: single, rest: argv.slice(1), named: true }
  const members = commands.filter(({ name }) => name.startsWith(`${first} `))
  if (members.length > 0) return { is: 'group', group: first, members, rest: argv.slice(1) }
  return { is: 'command', spec: analyze, rest: argv, named: false }
}
