import type { SnapshotOptions } from '../../src/app/bundle/snapshot.ts'
import type { capture } from '../../src/app/capture/capture.ts'
import type { DiagnoseHostOptions } from '../../src/app/diagnose-host.ts'
import { labScenarios } from '../../src/app/lab.ts'
import * as experiments from '../../src/app/probe/index.ts'
import { queueSizes } from '../../src/app/queue.ts'
import type { AnalyzeOptions, AnalyzeResult } from '../../src/app/types.ts'
import { TcpwhyError } from '../../src/base/errors.ts'
import type { Io } from '../../src/cli/io.ts'
import { run } from '../../src/cli/run.ts'
import type { HostFiles } from '../../src/host/host-files.ts'
import { snapshotOf } from '../bundle/scene.ts'
import { linuxHost } from '../helpers/host.ts'
import { healthy } from '../reports/fixtures.ts'

/** Runs the command line with an analysis of our choice; gives what was printed and the exit code. */
export async function cli(
  argv: readonly string[],
  analyze: (options: AnalyzeOptions) => Promise<AnalyzeResult> | AnalyzeResult = () => ({
    report: healthy,
  }),
  over: Partial<Io> = {},
  host: HostFiles = linuxHost(),
  captured: typeof capture = async () => ({
    files: [],
    dropped: 0,
    endedBy: 'time',
    lastWords: '',
    startMs: 0,
    endMs: 0,
  }),
) {
  let out = ''
  let err = ''
  const asked: AnalyzeOptions[] = []
  const observed: DiagnoseHostOptions[] = []
  const snapshots: SnapshotOptions[] = []
  const decoder = new TextDecoder()
  const text = (piece: string | Uint8Array) =>
    typeof piece === 'string' ? piece : decoder.decode(piece)
  const io: Io = {
    out: {
      isTerminal: async () => false,
      async write(piece) {
        out += text(piece)
      },
    },
    err: {
      isTerminal: async () => false,
      async write(piece) {
        err += text(piece)
      },
    },
    env: {},
    platform: 'linux',
    onInterrupt: () => () => {},
    ...over,
  }
  const exitCode = await run(argv, io, {
    analyze: async () => async (options) => {
      asked.push(options)
      return analyze(options)
    },
    capture: async () => captured,
    probe: async () => experiments,
    lab: async () => ({
      labScenarios,
      runLab: async () => {
        throw new TcpwhyError('LAB_CANNOT_RUN', 'No lab in these tests', 'None.')
      },
    }),
    labScore: async () => async () => {
      throw new TcpwhyError('LAB_CANNOT_RUN', 'No lab in these tests', 'None.')
    },
    diagnose: async () => async (options) => {
      observed.push(options)
      return healthy
    },
    snapshot: async () => async (options) => {
      snapshots.push(options)
      return { ...(await snapshotOf()), fileName: '/dev/null' }
    },
    queue: async () => (options) => queueSizes(options, host),
  })
  return { exitCode, out, err, asked, observed, snapshots }
}
