import { assert } from '../base/assert.ts'
import { TcpwhyError } from '../base/errors.ts'
import type { Ladder } from '../diagnose/ladder.ts'
import type { ConnectionSummary, Report } from '../diagnose/report.ts'
import { formats } from '../report/formats/index.ts'
import { ladderText } from '../report/ladder.ts'
import { jsonText } from '../report/printable.ts'
import { openFile } from './file.ts'
import { type Io, type Output, OutputClosed, writePieces } from './io.ts'
import type { Arguments } from './spec.ts'

/** Where a report goes and how it looks, of the words that were typed. */
export interface ReportRequest {
  format: 'text' | 'json' | 'markdown' | 'html'
  output: string | null
  verbose: boolean
  color: boolean
}

const FORMATS = ['json', 'markdown', 'html'] as const

/** @throws TcpwhyError BAD_ARGUMENT */
export function reportRequest({ options }: Arguments): ReportRequest {
  const asked = FORMATS.filter((format) => options[format] !== undefined)
  if (asked.length > 1) {
    const what = `--${asked.join(' and --')} exclude each other`
    throw new TcpwhyError('BAD_ARGUMENT', what, 'Run tcpwhy once for each of them.')
  }
  return {
    format: asked[0] ?? 'text',
    output: options['output']?.[0] ?? null,
    verbose: options['verbose'] !== undefined || options['all'] !== undefined,
    color: options['no-color'] === undefined,
  }
}

export interface Shown {
  report: Report
  listed?: Iterable<ConnectionSummary>
  /** Instead of the report. */
  ladder?: { ladder: Ladder; all: boolean }
}

/** Writes the report, or the ladder, to the file or the terminal. A reader who has gone is no error. */
export async function showReport(request: ReportRequest, shown: Shown, io: Io): Promise<void> {
  try {
    await write(request, shown, io)
  } catch (error) {
    if (!(error instanceof OutputClosed)) throw error
  }
}

async function write(request: ReportRequest, shown: Shown, io: Io): Promise<void> {
  const file = request.output === null ? null : await openFile(request.output)
  const output: Output = file ?? io.out
  try {
    await writePieces(await pieces(request, shown, output, io), output)
    await file?.close()
  } catch (error) {
    await file?.discard()
    throw error
  }
}

async function pieces(
  request: ReportRequest,
  { report, listed, ladder }: Shown,
  output: Output,
  io: Io,
): Promise<Iterable<string>> {
  const color = request.color && !io.env['NO_COLOR'] && (await output.isTerminal())
  if (ladder !== undefined) {
    if (request.format === 'json') return [`${jsonText(ladder.ladder, 2)}\n`]
    return ladderText(ladder.ladder, { color, all: ladder.all, ...(await columnsOf(output)) })
  }
  const format = formats.find(({ id }) => id === request.format)
  assert(format !== undefined, `no format ${request.format}`)
  const { verbose } = request
  const columns = request.format === 'text' ? await columnsOf(output) : {}
  return format.render(report, {
    color,
    verbose,
    ...columns,
    ...(listed === undefined ? {} : { listed }),
  })
}

const NARROWEST = 60
/** Longer lines are hard to read. */
const WIDEST = 120

/** As wide as the terminal is, within reason; files and pipes get the usual width, whoever looks. */
export async function columnsOf(output: Output): Promise<{ columns?: number }> {
  const columns = await output.columns?.()
  if (columns === undefined || !(columns > 0)) return {}
  return { columns: Math.min(WIDEST, Math.max(NARROWEST, columns)) }
}
