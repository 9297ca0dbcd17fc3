import { TcpwhyError } from '../base/errors.ts'
import { version } from '../base/version.ts'
import { printable } from '../report/printable.ts'
import { diagnose } from './commands/diagnose.ts'
import { type Found, findCommand } from './commands/find.ts'
import { commands } from './commands/index.ts'
import { type Io, OutputClosed } from './io.ts'
import { joinPairs, scan } from './scan.ts'
import type { App, Arguments, CommandSpec } from './spec.ts'

/** Could not do what was asked; docs/report.md has all exit codes. */
export const EXIT_COULD_NOT = 2

/** From the words after `tcpwhy` to the exit code. Never throws: whatever goes wrong is said on `io.err`. */
export async function run(argv: readonly string[], io: Io, app: App): Promise<number> {
  try {
    return await dispatch(argv, io, app)
  } catch (error) {
    if (error instanceof OutputClosed) return 0
    await io.err.write(describeError(error)).catch(() => {})
    return EXIT_COULD_NOT
  }
}

async function dispatch(argv: readonly string[], io: Io, app: App): Promise<number> {
  if (argv.length === 0) return alone(io, app)
  if (argv[0] === '--version' || argv[0] === '-V') {
    await io.out.write(`tcpwhy ${version}\n`)
    return 0
  }
  const found = findCommand(argv)
  if (found.is === 'group') return ofGroup(found, io)
  const { spec, rest, named } = found
  const words = joinPairs(rest, spec)
  const args = scan(words, spec) ?? (await parseSlowly(words, spec, !named, io))
  if (args === null) return 0
  return (await spec.load()).run(args, io, app)
}

/** `tcpwhy probe --help`, or `tcpwhy probe` and a word that is none of its commands. */
async function ofGroup(found: Extract<Found, { is: 'group' }>, io: Io): Promise<number> {
  const { groupHelp, notInGroup } = await import('./group.ts')
  if (!found.rest.some((word) => word === '--help' || word === '-h')) throw notInGroup(found)
  await io.out.write(groupHelp(found))
  return 0
}

/** @returns null when help was asked for and shown. */
async function parseSlowly(
  words: readonly string[],
  spec: CommandSpec,
  isProgram: boolean,
  io: Io,
): Promise<Arguments | null> {
  const { parseWithCommander } = await import('./grammar.ts')
  const parsed = parseWithCommander(words, spec, isProgram ? commands : [])
  if (parsed.is === 'run') return parsed.args
  await io.out.write(parsed.text)
  return null
}

/** Nothing was typed: this host is meant, where it can be looked at. */
async function alone(io: Io, app: App): Promise<number> {
  if (io.platform === 'linux') {
    return (await diagnose.load()).run({ options: {}, operands: [] }, io, app)
  }
  await io.err.write(`tcpwhy says why TCP connections died. Give it a capture:

  tcpwhy incident.pcap                          pcap, pcapng or pasted tcpdump text
  sudo tcpdump -i any -s 96 -w - | tcpwhy -     live; Ctrl-C ends it with the report
  tcpwhy explain 'connection reset by peer'     what an error message means on the wire
  tcpwhy --help                                 everything else

Without a capture it looks at the host it runs on, which needs Linux.
`)
  return EXIT_COULD_NOT
}

/** Two lines for what is wrong in the world; for what is wrong in tcpwhy the stack, and whose fault it is. */
export function describeError(error: unknown): string {
  if (error instanceof TcpwhyError) {
    return `tcpwhy: ${printable(error.message.replace(/\.$/, ''))} [${error.code}]\n${printable(error.todo)}\n`
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  const text = stack.split('\n').map(printable).join('\n')
  return `tcpwhy: this is a bug in tcpwhy ${version}, not in your capture; please report it with these lines.\n${text}\n`
}
