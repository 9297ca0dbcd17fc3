import { Command, CommanderError, Option } from 'commander'
import { TcpwhyError } from '../base/errors.ts'
import { wrap } from '../report/wrap.ts'
import type { Arguments, CommandSpec, OptionSpec } from './spec.ts'

const HELP_COLUMNS = 100

export type Parsed = { is: 'run'; args: Arguments } | { is: 'help'; text: string }

/**
 * What commander makes of the command line: help, or arguments, or a complaint with "did you mean".
 * @param rest  the commands to list in the help of the program itself
 * @throws TcpwhyError BAD_ARGUMENT
 */
export function parseWithCommander(
  argv: readonly string[],
  spec: CommandSpec,
  rest: readonly CommandSpec[],
): Parsed {
  let help = ''
  const command = commandOf(spec, rest).configureOutput({
    writeOut: (text) => {
      help += text
    },
    writeErr: () => {},
  })
  try {
    command.parse([...argv], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.code === 'commander.helpDisplayed') return { is: 'help', text: help }
    throw complaint(error, rest.length > 0 ? '' : `${spec.name} `)
  }
  return { is: 'run', args: argumentsOf(command, spec) }
}

function complaint(error: CommanderError, name: string): TcpwhyError {
  const [what = '', hint] = error.message.replace(/^error: /, '').split('\n')
  const meant = hint?.replace(/^\((.*)\)$/, '$1')
  const todo = `${meant ? `${meant} ` : ''}See tcpwhy ${name}--help.`
  return new TcpwhyError('BAD_ARGUMENT', what, todo)
}

function commandOf(spec: CommandSpec, rest: readonly CommandSpec[]): Command {
  const command = new Command(rest.length > 0 ? 'tcpwhy' : `tcpwhy ${spec.name}`)
  command
    .exitOverride()
    .configureHelp({ helpWidth: HELP_COLUMNS })
    .description(spec.summary)
    .usage('[options]')
    .helpOption('-h, --help', 'Show this help.')
    .allowExcessArguments(spec.operands !== undefined)
  if (spec.operands !== undefined) {
    const { name, help } = spec.operands
    command.argument(`[${name}...]`, help).usage(`[options] [${name}...]`)
  }
  for (const option of spec.options) command.addOption(optionOf(option))
  command.addHelpText('after', tail(spec, rest))
  return command
}

function optionOf(spec: OptionSpec): Option {
  const value = spec.value === undefined ? '' : ` <${spec.value}>`
  const option = new Option(
    `${spec.short === undefined ? '' : `-${spec.short}, `}--${spec.name}${value}`,
    spec.help,
  )
  if (spec.choices !== undefined) option.choices(spec.choices)
  if (spec.value === undefined) return option
  if (!spec.repeat) return onlyOnce(option, spec)
  return option.argParser((next: string, all: string[] | undefined) => [...(all ?? []), next])
}

/** Of two values one would be dropped in silence: `--port 80 --port 443` is not port 443. */
function onlyOnce(option: Option, { name, value }: OptionSpec): Option {
  const parse = option.parseArg
  return option.argParser((next: string, before: unknown) => {
    if (before !== undefined) {
      const what = `--${name} was given twice: ${String(before)} and ${next}`
      throw new TcpwhyError(
        'BAD_ARGUMENT',
        what,
        `It takes one ${value}: run tcpwhy once for each.`,
      )
    }
    return parse === undefined ? next : parse(next, before)
  })
}

function tail(spec: CommandSpec, rest: readonly CommandSpec[]): string {
  const width = Math.max(...rest.map((c) => c.name.length), 0) + 2
  const commands = rest.flatMap((c) => wrap(c.summary, `  ${c.name.padEnd(width)}`, HELP_COLUMNS))
  const examples = spec.examples.flatMap(({ command, what }) => [`  ${command}`, `      ${what}`])
  return [
    ...(commands.length > 0 ? ['', 'Commands (tcpwhy COMMAND --help for more):', ...commands] : []),
    '',
    'Examples:',
    ...examples,
    ...(spec.notes === undefined ? [] : ['', spec.notes]),
  ].join('\n')
}

function argumentsOf(command: Command, spec: CommandSpec): Arguments {
  const given: Record<string, unknown> = command.opts()
  const options: Record<string, string[]> = {}
  for (const option of spec.options) {
    const values = valuesOf(given, option.name)
    if (values !== null) options[option.name] = values
  }
  return { options, operands: command.args }
}

/** Commander keeps `--no-color` as `color: false`, everything else under its camel-cased name. */
function valuesOf(given: Record<string, unknown>, name: string): string[] | null {
  if (name.startsWith('no-')) return given[name.slice(3)] === false ? [] : null
  const value = given[name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())]
  if (value === undefined || value === false) return null
  if (value === true) return []
  return Array.isArray(value) ? value.map(String) : [String(value)]
}
