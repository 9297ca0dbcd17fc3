import type { AnalyzeOptions, AnalyzeResult } from '../../app/types.ts'
import { TcpwhyError } from '../../base/errors.ts'
import { type AnalyzeRequest, analyzeRequest } from '../analyze-arguments.ts'
import { exitCodeOf } from '../exit-code.ts'
import { refuseInput } from '../file.ts'
import type { Io } from '../io.ts'
import { showReport } from '../report-output.ts'
import type { App, Arguments } from '../spec.ts'
import { withoutWildcards } from '../wildcards.ts'

/** `tcpwhy analyze`: argv -> app -> report -> stdout or file. @returns the exit code of the verdict. */
export async function run(args: Arguments, io: Io, app: App): Promise<number> {
  const operands = withoutWildcards(args.operands, io.platform)
  const request = analyzeRequest({ ...args, operands })
  await keepInputs(request)
  const result = await analyze(request, io, app).catch((error) => ofBundles(error, request, app))
  const { report, listed, ladder } = result
  const shown = {
    report,
    ...(listed === undefined ? {} : { listed }),
    ...(ladder === undefined ? {} : { ladder: { ladder, all: request.analyze.all } }),
  }
  await showReport(request, shown, io)
  return request.analyze.show === undefined ? exitCodeOf(report) : 0
}

/** No capture: a bundle of `tcpwhy snapshot` is diagnosed instead. Only when reading failed is it worth looking. */
async function ofBundles(
  error: unknown,
  { analyze: { inputs, filter, ...more } }: AnalyzeRequest,
  app: App,
): Promise<AnalyzeResult> {
  if (!(error instanceof TcpwhyError) || error.code !== 'CAPTURE_UNKNOWN_FORMAT') throw error
  const { holdsBundle } = await import('../../app/bundle/inputs.ts')
  if (!(await holdsBundle(inputs))) throw error
  const { port, ...others } = filter
  if (more.show !== undefined || more.baseline !== undefined || Object.keys(others).length > 0) {
    throw new TcpwhyError(
      'BAD_ARGUMENT',
      'A bundle of tcpwhy snapshot was given with an option that is for captures',
      'Use tcpwhy diagnose, or tar -xf and tcpwhy analyze with the capture that is in it.',
    )
  }
  const diagnoseHost = await app.diagnose()
  const part = port === undefined ? {} : { port }
  return { report: await diagnoseHost({ forMs: 0, captures: inputs, ...part }) }
}

async function keepInputs({ analyze, output, export: exported }: AnalyzeRequest): Promise<void> {
  if (output === null && exported === null) return
  const inputs = [...analyze.inputs, ...analyze.at.map(({ path }) => path)]
  if (analyze.baseline !== undefined) inputs.push(analyze.baseline)
  inputs.push(...(analyze.probes ?? []))
  for (const path of [output, exported?.path]) {
    if (path !== null && path !== undefined) await refuseInput(path, inputs)
  }
}

async function analyze(request: AnalyzeRequest, io: Io, app: App): Promise<AnalyzeResult> {
  const analyzeCaptures = await app.analyze()
  const finish = new AbortController()
  const stopListening = io.onInterrupt(() => finish.abort())
  const progress = request.quiet ? null : await progressBar(io)
  const exporting = await openExport(request, io)
  const options: AnalyzeOptions = {
    ...request.analyze,
    finish: finish.signal,
    ...(progress === null ? {} : { onProgress: progress.show }),
    ...(exporting === null ? {} : { sink: exporting }),
  }
  try {
    const result = await analyzeCaptures(options)
    await exporting?.close()
    return result
  } catch (error) {
    await exporting?.discard()
    throw await explained(error, request)
  } finally {
    await progress?.clear()
    stopListening()
  }
}

/** Only when something failed is it worth looking for what was meant. */
async function explained(error: unknown, { analyze: { inputs, at } }: AnalyzeRequest) {
  const { withSuggestion } = await import('../did-you-mean.ts')
  return withSuggestion(error, [...inputs, ...at.map(({ path }) => path)])
}

async function progressBar(io: Io) {
  if (!(await io.err.isTerminal())) return null
  return (await import('../progress.ts')).progressBar(io.err)
}

async function openExport(request: AnalyzeRequest, io: Io) {
  if (request.export === null) return null
  const { openExport } = await import('../export.ts')
  return openExport(request.export, io.out)
}
