import { TcpwhyError } from '../base/errors.ts'
import type { Plan, ProbeReport } from '../probe/report.ts'
import { jsonText } from '../report/printable.ts'
import { planText } from '../report/probe/plan-text.ts'
import { parseDuration } from './duration.ts'
import { openFile } from './file.ts'
import type { Io } from './io.ts'
import { columnsOf } from './report-output.ts'
import type { Arguments } from './spec.ts'

type Options = Arguments['options']

/** The one target of an experiment that takes one. @throws TcpwhyError BAD_ARGUMENT */
export function onlyTarget({ operands }: Arguments, name: string): string {
  const [target, more] = operands
  if (target !== undefined && more === undefined) return target
  throw new TcpwhyError(
    'BAD_ARGUMENT',
    target === undefined ? `probe ${name} needs a target` : `probe ${name} takes one target`,
    `tcpwhy probe ${name} HOST:PORT; see tcpwhy probe ${name} --help.`,
  )
}

/** A whole number of an option. @throws TcpwhyError BAD_ARGUMENT */
export function wholeNumber(
  options: Options,
  name: string,
  { min, max }: { min: number; max: number },
): number | null {
  const text = options[name]?.[0]
  if (text === undefined) return null
  const value = Number(text)
  if (/^\d{1,9}$/.test(text) && value >= min && value <= max) return value
  throw new TcpwhyError(
    'BAD_ARGUMENT',
    `--${name} ${text} is not a number that it takes`,
    `Give a whole number from ${min} to ${max}.`,
  )
}

/** A time of an option, null when it was not given. @throws TcpwhyError BAD_ARGUMENT */
export function time(
  options: Options,
  name: string,
  range: { min: number; max: number },
): number | null {
  const text = options[name]?.[0]
  return text === undefined ? null : parseDuration(`--${name}`, text, range)
}

/** The path of --http, null when it was not given. @throws TcpwhyError BAD_ARGUMENT */
export function httpPath(options: Options): string | null {
  const path = options['http']?.[0]?.replace(/^GET +(?=\/)/, '')
  if (path === undefined || /^\/[\x21-\x7e]*$/.test(path)) return path ?? null
  throw new TcpwhyError(
    'BAD_ARGUMENT',
    `--http ${path} is no path`,
    'It begins with / and has no spaces: --http /checkalive.',
  )
}

/** `--http GET /path`, as one would say it: the path is no target. */
export function withPath({ options, operands }: Arguments): Arguments {
  const path = operands.findIndex((operand) => operand.startsWith('/'))
  if (options['http']?.[0] !== 'GET' || path < 0) return { options, operands }
  const rest = operands.filter((_, i) => i !== path)
  return { options: { ...options, http: [operands[path]!] }, operands: rest }
}

/** What every experiment is told by the command line. On standard error it says what is going to be sent, before it is. */
export function hooksOf(probe: ProbeReport['probe'], options: Options, io: Io, stop: AbortSignal) {
  return {
    stop,
    owned: options['yes-i-own-this'] !== undefined,
    onPlan: async (plan: Plan): Promise<void> => {
      if (options['quiet'] === undefined) {
        const { columns } = await columnsOf(io.err)
        await io.err.write(planText(probe, plan, columns))
      }
    },
  }
}

/** Ctrl-C as a signal, for as long as `work` takes. */
export async function interruptible<T>(
  io: Io,
  work: (stop: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController()
  const stopListening = io.onInterrupt(() => stop.abort())
  try {
    return await work(stop.signal)
  } finally {
    stopListening()
  }
}

/** The result, as JSON or for people, to standard output or `-o`. @returns the exit code */
export async function showResult<R extends ProbeReport>(
  report: R,
  options: Options,
  io: Io,
  text: (report: R, look: { color: boolean; columns?: number }) => string,
): Promise<number> {
  const path = options['output']?.[0]
  const file = path === undefined ? null : await openFile(path)
  const output = file ?? io.out
  try {
    const color =
      options['no-color'] === undefined && !io.env['NO_COLOR'] && (await output.isTerminal())
    const isJson = options['json'] !== undefined
    await output.write(
      isJson ? `${jsonText(report, 2)}\n` : text(report, { color, ...(await columnsOf(output)) }),
    )
    await file?.close()
  } catch (error) {
    await file?.discard()
    throw error
  }
  return report.decided ? 0 : 3
}
