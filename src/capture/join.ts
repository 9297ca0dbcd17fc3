import type { RecordBatch } from './types.ts'

/** One source of a joined read. */
export interface JoinSource {
  next(): Promise<RecordBatch | null>
}

/** A source with the batch that is being given out, from `from` on. */
interface Lane {
  source: JoinSource
  batch: RecordBatch
  from: number
}

/**
 * Puts the records of several sources in order of time. Batches pass through untouched while no other source has
 * earlier records (pieces of a ring buffer); where sources overlap, runs of each are given out in turn as parts of
 * their batch. Order inside a source is never changed, even if its clock goes back.
 */
export class TimeJoin {
  private readonly lanes: Lane[]

  /** @param sources  each with its first batch already read */
  constructor(sources: readonly { source: JoinSource; batch: RecordBatch }[]) {
    this.lanes = sources.map(({ source, batch }) => ({ source, batch, from: 0 }))
    this.lanes.sort((a, b) => headTime(a) - headTime(b))
  }

  /** Advances lanes only when the batch given out before is no longer in use, which asking for the next one says. */
  async next(): Promise<RecordBatch | null> {
    const lane = this.lanes[0]
    if (lane === undefined) return null
    if (lane.from === lane.batch.count) {
      const batch = await lane.source.next()
      if (batch === null) {
        this.lanes.shift()
        return this.next()
      }
      lane.batch = batch
      lane.from = 0
      this.settle()
      return this.next()
    }
    return this.run(lane)
  }

  /** Gives out the first lane's records up to the first that is later than the second lane's next. */
  private run(lane: Lane): RecordBatch {
    const { batch, from } = lane
    const { times, count } = batch
    let end = count
    if (this.lanes.length > 1) {
      const limit = headTime(this.lanes[1]!)
      for (end = from + 1; end < count && times[end]! <= limit; ) end++
    }
    lane.from = end
    if (end < count) this.settle()
    return from === 0 && end === count ? batch : part(batch, from, end)
  }

  /** Moves the first lane back to where its next record belongs. */
  private settle(): void {
    const { lanes } = this
    const lane = lanes[0]!
    const time = headTime(lane)
    let at = 0
    while (at + 1 < lanes.length && headTime(lanes[at + 1]!) < time) {
      lanes[at] = lanes[at + 1]!
      at++
    }
    lanes[at] = lane
  }
}

function headTime(lane: Lane): number {
  return lane.batch.times[lane.from]!
}

function part(batch: RecordBatch, from: number, end: number): RecordBatch {
  return {
    source: batch.source,
    count: end - from,
    bytes: batch.bytes,
    view: batch.view,
    starts: batch.starts.subarray(from, end),
    capLens: batch.capLens.subarray(from, end),
    wireLens: batch.wireLens.subarray(from, end),
    times: batch.times.subarray(from, end),
    links: batch.links.subarray(from, end),
    firstFrame: batch.firstFrame + from,
    fileOffset: batch.fileOffset,
  }
}
