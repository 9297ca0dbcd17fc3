import type { DiagnoseHostOptions } from '../../app/diagnose-host.ts'
import { TcpwhyError } from '../../base/errors.ts'
import { portNumber } from '../analyze-arguments.ts'
import { parseDuration } from '../duration.ts'
import { exitCodeOf } from '../exit-code.ts'
import type { Io } from '../io.ts'
import { processId } from '../process-id.ts'
import { countdown as countdownOn } from '../progress.ts'
import { reportRequest, showReport } from '../report-output.ts'
import type { App, Arguments } from '../spec.ts'

const FOR_MS = 3000
const MAX_MS = 24 * 3_600_000

/** `tcpwhy diagnose`, and `tcpwhy` alone. @returns the exit code of the verdict. */
export async function run(args: Arguments, io: Io, app: App): Promise<number> {
  const request = reportRequest(args)
  const options = optionsOf(args)
  const diagnoseHost = await app.diagnose()
  const finish = new AbortController()
  const stopListening = io.onInterrupt(() => finish.abort())
  const progress = args.options['quiet'] === undefined ? await countdown(io) : null
  try {
    const report = await diagnoseHost({
      ...options,
      finish: finish.signal,
      ...(progress === null ? {} : { onProgress: progress.show }),
    })
    await progress?.clear()
    await showReport(request, { report }, io)
    return exitCodeOf(report)
  } finally {
    await progress?.clear()
    stopListening()
  }
}

async function countdown(io: Io) {
  if (!(await io.err.isTerminal())) return null
  return countdownOn(io.err)
}

/** @throws TcpwhyError BAD_ARGUMENT */
function optionsOf({ options, operands }: Arguments): DiagnoseHostOptions {
  const one = (name: string) => options[name]?.[0]
  const [time, port, pid] = ['for', 'port', 'pid'].map(one)
  const named = ['netns', 'container', 'pid'].filter((name) => one(name) !== undefined)
  if (named.length > 1) {
    const what = `--${named.join(' and --')} exclude each other`
    throw new TcpwhyError('BAD_ARGUMENT', what, 'Give the one that says it best.')
  }
  const [netns, container, keep] = ['netns', 'container', 'write'].map(one)
  return {
    forMs: time === undefined ? FOR_MS : parseDuration('--for', time, { min: 100, max: MAX_MS }),
    captures: [...operands, ...(options['capture'] ?? [])],
    ...(port === undefined ? {} : { port: portNumber(port) }),
    ...(pid === undefined ? {} : { pid: processId(pid) }),
    ...(netns === undefined ? {} : { netns }),
    ...(container === undefined ? {} : { container }),
    packets: (time ?? keep) !== undefined && options['no-packets'] === undefined,
    ...(keep === undefined ? {} : { keep }),
  }
}
