import type { MachineFacts } from '../../evidence/machine.ts'
import type { BundleLeftOut } from '../../host/bundle/manifest.ts'
import {
  MAX_THREADS,
  readMachineDetails,
  readProcessDetails,
} from '../../host/bundle/process-details.ts'
import type { RecordedLook } from '../../host/bundle/reads.ts'
import { type LookRecorder, recordLook } from '../../host/bundle/record.ts'
import { scrubLook } from '../../host/bundle/scrub/look.ts'
import { scrubTrace } from '../../host/bundle/scrub/trace.ts'
import type { EventsRecording } from '../../host/events.ts'
import type { HostFiles } from '../../host/host-files.ts'
import { resolveTarget } from '../capture/target.ts'
import { type KernelWatch, watchKernelEvents } from '../kernel-events.ts'
import { nodeHost } from '../node-host.ts'
import { observe } from '../observe.ts'
import { type HostPart, snapshotAsk } from '../snapshot-ask.ts'
import { type CaptureAsk, type RunningCapture, startCapture } from './capture.ts'
import type { HeadersOnly } from './headers-only.ts'
import { readKernelLog } from './kernel-log.ts'

/** What is looked at, and by what. Tests give others. */
export interface ScenePorts {
  host: HostFiles
  watch: (options: { recordOctets: number }) => KernelWatch
  kernelLog: typeof readKernelLog
  capture: (ask: CaptureAsk) => Promise<RunningCapture>
}

export function thisMachine(): ScenePorts {
  return {
    host: nodeHost(),
    watch: watchKernelEvents,
    kernelLog: readKernelLog,
    capture: (ask) => startCapture(ask),
  }
}

/** A host as it was, twice, with what happened in between; without what may be a secret. */
export interface Scene {
  /** What a diagnosis would have had in this moment. */
  machine: MachineFacts
  looks: RecordedLook[]
  events: EventsRecording
  capture: HeadersOnly | null
  kernelLog: string | null
  /** Those of which more was read. */
  processes: number[]
  partial: string | null
  leftOut: BundleLeftOut[]
}

export interface SceneOptions extends HostPart {
  container?: string
  forMs: number
  /** When it fires, watching ends, and what was seen so far is kept. */
  finish?: AbortSignal
  onProgress?: (done: number, total: number) => void
}

const RECORD_OCTETS = 8 * 1024 * 1024
/** For the details of processes: what is not read by then is left out. */
const DETAILS_MS = 3_000

/** @throws TcpwhyError TARGET_NOT_FOUND: a bundle of nothing would look like a healthy host */
export async function collectScene(options: SceneOptions, ports: ScenePorts): Promise<Scene> {
  const { host } = ports
  for (const pid of options.pids ?? []) resolveTarget(host, { pid })
  const recorders: LookRecorder[] = []
  const record = () => {
    const recorder = recordLook(host)
    recorders.push(recorder)
    return recorder.host
  }
  const leftOut: BundleLeftOut[] = []
  const capture = await ports.capture(options)
  try {
    const watches: KernelWatch[] = []
    const watch = () => {
      const started = ports.watch({ recordOctets: RECORD_OCTETS })
      watches.push(started)
      return started
    }
    const machine = await observe(
      { ...options, ask: snapshotAsk(options) },
      { first: record, last: record, watch },
    )
    const captured = captureOr(await capture.stop(), leftOut)
    const processes = readDetails(recorders.at(-1)!.host, machine, options, leftOut)
    const interrupted = options.finish?.aborted === true
    const scene = {
      machine,
      looks: recorders.map((recorder) => recorder.look()),
      events: watches[0]!.recording(),
      capture: captured,
      kernelLog: kernelLogOr(ports.kernelLog(), leftOut),
      processes,
      partial: interrupted ? 'interrupted: watched for less time than asked' : null,
      leftOut,
    }
    return scrubbed(scene, host.endianness() === 'LE')
  } finally {
    await capture.stop()
  }
}

/** Asked ones first, then those about which a diagnosis would say something. */
function readDetails(
  host: HostFiles,
  machine: MachineFacts,
  { pids = [] }: SceneOptions,
  leftOut: BundleLeftOut[],
): number[] {
  readMachineDetails(host)
  const wanted = [...new Set([...pids, ...machine.after.processes.map(({ pid }) => pid)])]
  const until = performance.now() + DETAILS_MS
  const goOn = () => performance.now() < until
  const read = readProcessDetails(host, wanted, { ...MAX_THREADS, goOn })
  if (read.length < wanted.length) {
    const what = `threads and stacks of ${wanted.length - read.length} processes`
    leftOut.push({ what, why: `reading took more than ${DETAILS_MS / 1000} s` })
  }
  return read
}

function kernelLogOr(
  read: ReturnType<typeof readKernelLog>,
  leftOut: BundleLeftOut[],
): string | null {
  if (read.is === 'failed') {
    const why = `/dev/kmsg: ${read.why}; needs CAP_SYSLOG`
    leftOut.push({ what: 'the kernel log', why })
    return null
  }
  const { text, withheld } = read.log
  if (withheld > 0) {
    const what = `lines of the kernel log: ${withheld}`
    leftOut.push({ what, why: 'written by programs, or with arguments, which may be secrets' })
  }
  return text
}

type Captured = Awaited<ReturnType<RunningCapture['stop']>>

function captureOr(captured: Captured, leftOut: BundleLeftOut[]): HeadersOnly | null {
  if (captured.is === 'failed') {
    leftOut.push({ what: 'the packet capture', why: captured.why })
    return null
  }
  const { headers } = captured
  withheldPackets(headers, leftOut)
  return headers.packets === 0 ? null : headers
}

export function withheldPackets({ withheld }: HeadersOnly, leftOut: BundleLeftOut[]): void {
  if (withheld === 0) return
  const what = `packets: ${withheld}`
  leftOut.push({ what, why: 'where their headers end, or an address in them, is not known' })
}

function scrubbed(scene: Scene, littleEndian: boolean): Scene {
  const { looks, processes, leftOut } = scene
  const named = new Set(processes)
  const names = looks.map((look) => scrubLook(look, { littleEndian, named }))
  const most = Math.max(...names)
  if (most > 0) {
    const what = `names of open files: ${most}`
    leftOut.push({ what, why: 'of processes that hold no socket in question' })
  }
  return { ...scene, events: scrubTrace(scene.events) }
}
