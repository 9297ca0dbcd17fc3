import type { QueueOptions } from '../../app/queue.ts'
import { TcpwhyError } from '../../base/errors.ts'
import { jsonText } from '../../report/printable.ts'
import { queueText } from '../../report/queue-text.ts'
import type { Io } from '../io.ts'
import type { App, Arguments } from '../spec.ts'

/** `tcpwhy queue`. @throws TcpwhyError BAD_ARGUMENT, QUEUE_VALUES_MISSING */
export async function run({ options }: Arguments, io: Io, app: App): Promise<number> {
  const asked = queueOptions(options)
  const report = await (await app.queue())(asked)
  const color = !options['no-color'] && !io.env['NO_COLOR'] && (await io.out.isTerminal())
  await io.out.write(options['json'] ? `${jsonText(report, 2)}\n` : queueText(report, { color }))
  return 0
}

/** listen() takes an int; an unsigned one is the same 32 bits. */
const BACKLOG = { min: -(2 ** 31), max: 2 ** 32 - 1 }
/** The sysctls are ints, and the kernel refuses negative ones. */
const SYSCTL = { min: 0, max: 2 ** 31 - 1 }

function queueOptions(options: Arguments['options']): QueueOptions {
  const number = (name: string, range: { min: number; max: number }) =>
    integer(name, options[name]?.[0], range)
  return {
    ...defined('backlog', number('backlog', BACKLOG)),
    ...defined('somaxconn', number('somaxconn', SYSCTL)),
    ...defined('tcp_max_syn_backlog', number('max-syn-backlog', SYSCTL)),
    ...defined('tcp_syncookies', number('syncookies', SYSCTL)),
    ...defined('kernel', options['kernel']?.[0]),
  }
}

function defined<K extends string, V>(name: K, value: V | undefined): Partial<Record<K, V>> {
  return (value === undefined ? {} : { [name]: value }) as Partial<Record<K, V>>
}

function integer(
  name: string,
  text: string | undefined,
  { min, max }: { min: number; max: number },
): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (/^-?\d{1,10}$/.test(text) && value >= min && value <= max) return value
  throw new TcpwhyError(
    'BAD_ARGUMENT',
    `--${name} ${text} is not a number that the kernel takes`,
    `Give a whole number from ${min} to ${max}.`,
  )
}
