import type { RecordColumns } from './record-columns.ts'
import type { CaptureFault, CaptureSourceInfo } from './types.ts'

const NS_PER_S = 1_000_000_000n

/** Faults folded by name: the first place is kept, the rest are counted. */
export class FaultLog {
  private readonly list: CaptureFault[]
  private readonly byName = new Map<string, CaptureFault>()

  constructor(list: CaptureFault[]) {
    this.list = list
  }

  note(name: string, where: { frame: number; offset: number }, text: string): void {
    const known = this.byName.get(name)
    if (known !== undefined) {
      known.count++
      return
    }
    const fault = { name, frame: where.frame, offset: where.offset, count: 1, text }
    this.byName.set(name, fault)
    this.list.push(fault)
  }
}

/**
 * Time zero as one source sees it. Until all sources are open it is the source's own first record; then all are moved
 * to the common one. Kept as seconds and nanoseconds, so that the loops need no bigint.
 */
export class SourceClock {
  originNs: bigint | null = null
  originSec = 0
  originSubNs = 0

  set(originNs: bigint): void {
    this.originNs = originNs
    this.originSec = Number(originNs / NS_PER_S)
    this.originSubNs = Number(originNs % NS_PER_S)
  }
}

/** What a format's reader works on: where it says what it found. */
export interface SourceState {
  readonly index: number
  readonly info: CaptureSourceInfo
  readonly faults: FaultLog
  readonly clock: SourceClock
}

export function newSourceState(index: number, name: string): SourceState {
  const info: CaptureSourceInfo = {
    name,
    format: 'unknown',
    compression: null,
    records: 0,
    octets: 0,
    firstNs: 0,
    lastNs: 0,
    snapLen: 0,
    interfaces: [],
    comments: [],
    headerFieldsMissing: false,
    faults: [],
  }
  return { index, info, faults: new FaultLog(info.faults), clock: new SourceClock() }
}

/** Books a filled batch in the source's counts: once a batch, outside the loop over its records. */
export function countBatch(state: SourceState, batch: RecordColumns): void {
  const { info } = state
  const { count, wireLens, times } = batch
  if (count === 0) return
  if (info.records === 0) {
    info.firstNs = times[0]!
    info.lastNs = times[0]!
  }
  const octets = octetsInOrder(batch, info.lastNs)
  if (octets < 0) noteAllBackwards(state, batch, info.lastNs)
  info.octets += octets < 0 ? sum(wireLens, count) : octets
  info.lastNs = times[count - 1]!
  info.records += count
}

// The loops are functions of their own: when V8 gives up what it compiled for `countBatch` (whose objects change their
// shape while the first batches come), they stay compiled. Measured: 380 deoptimisations on one capture.

function sum(values: Int32Array, count: number): number {
  let total = 0
  for (let i = 0; i < count; i++) total += values[i]!
  return total
}

/** @returns octets on the wire of all records; -1 when the clock runs back */
function octetsInOrder({ times, wireLens, count }: RecordColumns, before: number): number {
  let last = before
  let total = 0
  for (let i = 0; i < count; i++) {
    const time = times[i]!
    if (time < last) return -1
    last = time
    total += wireLens[i]!
  }
  return total
}

function noteAllBackwards(state: SourceState, batch: RecordColumns, before: number): void {
  let last = before
  for (let i = 0; i < batch.count; i++) {
    const time = batch.times[i]!
    if (time < last) noteBackwards(state, batch.firstFrame + i - 1)
    last = time
  }
}

function noteBackwards(state: SourceState, frame: number): void {
  const text = 'The time of a record is earlier than that of the record before it.'
  state.faults.note('clock-backwards', { frame, offset: -1 }, text)
}
