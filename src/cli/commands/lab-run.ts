import type { LabOptions } from '../../app/lab.ts'
import { TcpwhyError } from '../../base/errors.ts'
import type { LabEvent } from '../../lab/types.ts'
import { labText } from '../../report/lab-text.ts'
import { jsonText } from '../../report/printable.ts'
import { COLUMNS } from '../../report/wrap.ts'
import { withScenario } from '../did-you-mean.ts'
import type { Io } from '../io.ts'
import { columnsOf } from '../report-output.ts'
import type { App, Arguments } from '../spec.ts'

/** `tcpwhy lab run ID`. @throws TcpwhyError BAD_ARGUMENT, LAB_UNKNOWN, LAB_CANNOT_RUN, LAB_FAILED, LAB_STOPPED */
export async function run({ options, operands }: Arguments, io: Io, app: App): Promise<number> {
  const [id] = operands
  if (id === undefined || operands.length > 1) {
    throw new TcpwhyError(
      'BAD_ARGUMENT',
      'lab run takes one scenario',
      'tcpwhy lab list shows them all.',
    )
  }
  const { runLab, labScenarios } = await app.lab()
  const keep = options['keep']?.[0]
  const stop = new AbortController()
  const stopListening = io.onInterrupt(() => stop.abort())
  const view = await liveView(id, options, io, app)
  const variant = options['variant']?.[0]
  const asked: LabOptions = {
    id,
    ...(variant === undefined ? {} : { variant }),
    ...(keep === undefined ? {} : { keep }),
    fix: options['fix'] !== undefined,
    touchHost: options['touch-host'] !== undefined,
    emit: view.show,
    signal: stop.signal,
  }
  try {
    const report = await runLab(asked)
    await view.end()
    const look = { color: await hasColor(options, io), ...(await columnsOf(io.out)) }
    await io.out.write(options['json'] ? `${jsonText(report, 2)}\n` : labText(report, look))
    return report.isAsExpected ? 0 : 1
  } catch (error) {
    const ids = labScenarios().map((scenario) => scenario.id)
    throw withScenario(error, id, ids)
  } finally {
    await view.end()
    stopListening()
  }
}

async function liveView(id: string, options: Arguments['options'], io: Io, app: App) {
  const quiet = { show: (_: LabEvent) => {}, end: async () => {} }
  if (options['quiet'] || !(await io.err.isTerminal())) return quiet
  const { labScenarios } = await app.lab()
  const signals = labScenarios().find((scenario) => scenario.id === id)?.signals ?? []
  const { labView } = await import('../lab-view.ts')
  const color = !options['no-color'] && !io.env['NO_COLOR']
  const columns = (await io.err.columns?.()) || COLUMNS
  return labView(signals, io.err, { color, columns })
}

async function hasColor(options: Arguments['options'], io: Io): Promise<boolean> {
  return !options['no-color'] && !io.env['NO_COLOR'] && (await io.out.isTerminal())
}
