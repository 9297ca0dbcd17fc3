import { TcpwhyError } from '../base/errors.ts'
import { nearest } from '../report/explain/nearest.ts'
import type { Found } from './commands/find.ts'

type Group = Extract<Found, { is: 'group' }>

/** `tcpwhy probe --help`: what there is, one line each. */
export function groupHelp({ group, members }: Group): string {
  const width = Math.max(...members.map(({ name }) => name.length)) + 2
  const rows = members.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`)
  return `Usage: tcpwhy ${group} COMMAND [options]\n\n${rows.join('\n')}\n\ntcpwhy ${group} COMMAND --help has more.\n`
}

/** `tcpwhy probe idel`: no such command in the group, and which one was probably meant. */
export function notInGroup({ group, members, rest }: Group): TcpwhyError {
  const names = members.map(({ name }) => name.slice(group.length + 1))
  const word = rest.find((w) => !w.startsWith('-'))
  const [near] = word === undefined ? [] : nearest(word, names, 1)
  const meant = near === undefined ? '' : `Did you mean tcpwhy ${group} ${near}? `
  return new TcpwhyError(
    'BAD_ARGUMENT',
    word === undefined ? `${group} needs to know which` : `${group} has no command ${word}`,
    `${meant}There are: ${names.join(', ')}. See tcpwhy ${group} --help.`,
  )
}
