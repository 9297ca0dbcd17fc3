import { copyFileSync, existsSync } from 'node:fs'
import { TcpwhyError } from '../base/errors.ts'
import type { Report } from '../diagnose/report.ts'
import type { MissingFact } from '../evidence/machine.ts'
import { diagnoseWords } from '../messages/en/diagnose.ts'
import { DEFAULT_FILTER } from './capture/defaults.ts'
import { captureHeaders, type HeaderCapture } from './capture/headers.ts'
import type { Target } from './capture/target.ts'

export interface PacketsAsk {
  forMs: number
  port?: number
  finish?: AbortSignal
  /** Where they are kept. */
  keep?: string
}

const words = diagnoseWords.machine

/** Headers captured while the host is watched. Where none can be, that weakens the answer and does not end it. */
export class PacketsBeside {
  readonly missing: MissingFact[] = []
  private readonly ask: PacketsAsk
  private capture: HeaderCapture | null = null

  constructor(ask: PacketsAsk) {
    this.ask = ask
  }

  async run({ netns, pid }: Target): Promise<void> {
    const { forMs, finish, port } = this.ask
    const filter = `(${DEFAULT_FILTER}) and port ${port} or icmp or icmp6`
    try {
      this.capture = await captureHeaders({
        forMs,
        ...(pid !== null ? { pid } : netns !== null ? { netns } : {}),
        ...(port === undefined ? {} : { filter }),
        ...(finish === undefined ? {} : { signal: finish }),
      })
    } catch (error) {
      if (!(error instanceof TcpwhyError)) throw error
      this.missing.push({ what: 'packets', why: error.message, adds: words.packetsAdd })
    }
  }

  /** What is to be analysed; null: nothing was captured.   @throws TcpwhyError OUTPUT_UNWRITABLE */
  file(): string | null {
    const { capture } = this
    const { keep } = this.ask
    if (capture === null) return null
    if (!existsSync(capture.path)) {
      this.missing.push({ what: 'packets', why: words.packetsVanished, adds: words.packetsAdd })
      return null
    }
    if (keep !== undefined) copy(capture.path, keep)
    return capture.packets === 0 ? null : (keep ?? capture.path)
  }

  /** A file that is gone afterwards is not named as if it could be opened. */
  name(report: Report): void {
    for (const source of report.sources) {
      if (source.name !== this.capture?.path) continue
      source.name = words.packetsName
      source.faults.push({ name: 'not-kept', count: 1, text: words.packetsGone })
    }
  }

  remove(): void {
    this.capture?.remove()
  }
}

function copy(from: string, to: string): void {
  try {
    copyFileSync(from, to)
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'failed'
    const todo = 'Check the folder, its permissions and free space.'
    throw new TcpwhyError('OUTPUT_UNWRITABLE', `Cannot write ${to} (${why})`, todo, { cause })
  }
}
