import { TcpwhyError } from '../../base/errors.ts'
import { version } from '../../base/version.ts'
import { fileSource } from '../byte-sources.ts'
import { DEFAULT_FILTER } from '../capture/defaults.ts'
import {
  captureHeaders,
  type HeaderCapture,
  type HeaderCaptureOptions,
} from '../capture/headers.ts'
import { type HeadersOnly, headersOnly } from './headers-only.ts'

/** A capture that runs beside the looks. */
export interface RunningCapture {
  /** Ends it. @returns what it has, or why there is nothing; the same when called again */
  stop(): Promise<{ is: 'captured'; headers: HeadersOnly } | { is: 'failed'; why: string }>
}

export interface CaptureAsk {
  pids?: readonly number[]
  netns?: string
  container?: string
  ports?: readonly number[]
}

/** Some 50,000 packets: half a minute of a busy host does not fit beside what else is in a bundle. */
const MAX_OCTETS = 8_000_000
/** tcpdump listens after 0.1 s, or not at all. */
const PATIENCE_MS = 2_000

/** Begins to capture headers, and waits until it listens or has failed. Never throws: there may be no tcpdump. */
export async function startCapture(
  ask: CaptureAsk,
  capture: (options: HeaderCaptureOptions) => Promise<HeaderCapture> = captureHeaders,
): Promise<RunningCapture> {
  const stop = new AbortController()
  let listens: () => void = () => {}
  const listening = new Promise<void>((resolve) => {
    listens = resolve
  })
  const running = capture({
    ...targetOf(ask),
    forMs: MAX_MS,
    filter: filterOf(ask.ports),
    maxOctets: MAX_OCTETS,
    signal: stop.signal,
    onListening: listens,
  })
  const ended = running.then(
    (captured) => ({ is: 'captured' as const, captured }),
    (cause: unknown) => ({ is: 'failed' as const, why: whyOf(cause) }),
  )
  const patience = new Promise<void>((resolve) => setTimeout(resolve, PATIENCE_MS).unref())
  await Promise.race([listening, ended, patience])
  const taken = ended.then(taking)
  taken.catch(() => {})
  return {
    stop() {
      stop.abort()
      return taken
    },
  }
}

type Ended = { is: 'captured'; captured: HeaderCapture } | { is: 'failed'; why: string }

/** Nothing of the file is left behind. */
async function taking(result: Ended): ReturnType<RunningCapture['stop']> {
  if (result.is === 'failed') return result
  const { captured } = result
  try {
    return { is: 'captured', headers: await withoutPayload(captured) }
  } finally {
    captured.remove()
  }
}

const MAX_MS = 3_600_000

function targetOf({ pids, netns, container }: CaptureAsk) {
  if (netns !== undefined) return { netns }
  if (container !== undefined) return { container }
  // One process may be in a container; several are of the whole host.
  return pids?.length === 1 ? { pid: pids[0]! } : {}
}

function filterOf(ports: readonly number[] = []): string {
  if (ports.length === 0) return DEFAULT_FILTER
  return `(tcp and (${ports.map((port) => `port ${port}`).join(' or ')})) or icmp or icmp6`
}

async function withoutPayload({
  path,
  dropped,
  startMs,
  endMs,
}: HeaderCapture): Promise<HeadersOnly> {
  return headersOnly(await fileSource(path), {
    application: `tcpwhy ${version}`,
    comment: 'Headers only: every packet ends where its payload began.',
    dropped,
    startMs,
    endMs,
  })
}

function whyOf(cause: unknown): string {
  if (cause instanceof TcpwhyError) return `${cause.message} [${cause.code}]`
  throw cause
}
