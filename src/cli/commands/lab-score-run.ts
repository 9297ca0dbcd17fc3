import { TcpwhyError } from '../../base/errors.ts'
import { labScoreMarkdown, labScoreText } from '../../report/lab-score-text.ts'
import { jsonText } from '../../report/printable.ts'
import type { Io } from '../io.ts'
import type { App, Arguments } from '../spec.ts'

const MAX_RUNS = 20
const MAX_JOBS = 16

/** `tcpwhy lab score`. @throws TcpwhyError BAD_ARGUMENT, LAB_UNKNOWN, LAB_CANNOT_RUN, LAB_KEPT_OTHER, LAB_KEPT_UNREADABLE */
export async function run({ options, operands }: Arguments, io: Io, app: App): Promise<number> {
  const keep = options['keep']?.[0]
  const { aggregate } = options
  const asked = {
    ...(keep === undefined ? {} : { keep }),
    ...(aggregate === undefined ? {} : { aggregate }),
    only: operands,
    runs: count('runs', options['runs']?.[0], { max: MAX_RUNS, otherwise: 1 }),
    touchHost: options['touch-host'] !== undefined,
    jobs: count('jobs', options['jobs']?.[0], { max: MAX_JOBS, otherwise: 2 }),
  }
  const scoreLab = await app.labScore()
  const stop = new AbortController()
  const stopListening = io.onInterrupt(() => stop.abort())
  const onProgress = (text: string) => {
    if (!options['quiet']) io.err.write(`${text}\n`).catch(() => {})
  }
  try {
    const score = await scoreLab({ ...asked, onProgress, signal: stop.signal })
    const color = !options['no-color'] && !io.env['NO_COLOR'] && (await io.out.isTerminal())
    await io.out.write(
      options['json']
        ? `${jsonText(score, 2)}\n`
        : options['markdown']
          ? labScoreMarkdown(score)
          : labScoreText(score, { color }),
    )
    return score.wrong === 0 ? 0 : 1
  } finally {
    stopListening()
  }
}

function count(
  name: string,
  text: string | undefined,
  { max, otherwise }: { max: number; otherwise: number },
): number {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (/^\d{1,3}$/.test(text) && value >= 1 && value <= max) return value
  throw new TcpwhyError(
    'BAD_ARGUMENT',
    `--${name} ${text} is not a number of them`,
    `Give a number from 1 to ${max}.`,
  )
}
