// A histogram of durations with a bounded relative error, after HdrHistogram (Gil Tene): buckets of powers of two, each cut into
// equal parts. Times are whole microseconds.

/** 2^7 parts a power of two: a value is known to 1/128 of itself, that is to two digits. */
const BITS = 7
const PARTS = 1 << BITS
/** Up to 2^36 us, 19 hours; longer ones count as that. */
const POWERS = 36 - BITS
const LAST = (POWERS + 1) * PARTS - 1

/** Counts of durations. `record` takes milliseconds. */
export class Histogram {
  private readonly counts = new Float64Array(LAST + 1)
  private n = 0
  private sumUs = 0
  private minUs = Number.POSITIVE_INFINITY
  private maxUs = 0

  record(ms: number, times = 1): void {
    const us = Math.max(Math.round(ms * 1000), 0)
    const index = indexOf(us)
    this.counts[index] = (this.counts[index] ?? 0) + times
    this.n += times
    this.sumUs += us * times
    if (us < this.minUs) this.minUs = us
    if (us > this.maxUs) this.maxUs = us
  }

  /** What the other one has, too. */
  add(other: Histogram): void {
    for (let index = 0; index <= LAST; index++) {
      this.counts[index] = (this.counts[index] ?? 0) + (other.counts[index] ?? 0)
    }
    this.n += other.n
    this.sumUs += other.sumUs
    this.minUs = Math.min(this.minUs, other.minUs)
    this.maxUs = Math.max(this.maxUs, other.maxUs)
  }

  get count(): number {
    return this.n
  }

  /** The smallest duration that `percent` of all are not above, in ms, at most 1/128 too long. Null when nothing was recorded. */
  percentile(percent: number): number | null {
    if (this.n === 0) return null
    const wanted = Math.max(Math.ceil((percent / 100) * this.n - 1e-9), 1)
    let seen = 0
    for (let index = 0; index <= LAST; index++) {
      seen += this.counts[index] ?? 0
      if (seen >= wanted) return Math.min(upperUs(index), this.maxUs) / 1000
    }
    return this.maxUs / 1000
  }

  /** How many took longer than that, to 1/128 of it. */
  above(ms: number): number {
    let count = 0
    for (let index = indexOf(Math.round(ms * 1000)) + 1; index <= LAST; index++) {
      count += this.counts[index] ?? 0
    }
    return count
  }

  /** Durations in ms. */
  summary(): LatencySummary | null {
    if (this.n === 0) return null
    const at = (percent: number) => this.percentile(percent) ?? 0
    return {
      count: this.n,
      min: this.minUs / 1000,
      mean: round3(this.sumUs / this.n / 1000),
      p50: at(50),
      p75: at(75),
      p90: at(90),
      p99: at(99),
      p999: at(99.9),
      max: this.maxUs / 1000,
    }
  }

  /**
   * What would have been measured had requests left every `intervalMs` whatever became of the one before: a wait of n intervals
   * stands for n-1 shorter ones that never were sent (coordinated omission; HdrHistogram's recordValueWithExpectedInterval).
   */
  corrected(intervalMs: number): Histogram {
    const whole = new Histogram()
    const intervalUs = Math.max(intervalMs * 1000, 1)
    for (let index = 0; index <= LAST; index++) {
      const times = this.counts[index] ?? 0
      if (times === 0) continue
      const us = Math.min(upperUs(index), this.maxUs)
      whole.record(us / 1000, times)
      for (let missing = us - intervalUs; missing >= intervalUs; missing -= intervalUs) {
        whole.record(missing / 1000, times)
      }
    }
    return whole
  }
}

/** Milliseconds. */
export interface LatencySummary {
  count: number
  min: number
  mean: number
  p50: number
  p75: number
  p90: number
  p99: number
  p999: number
  max: number
}

function indexOf(us: number): number {
  if (us < PARTS) return us
  const power = us < 2 ** 31 ? 31 - Math.clz32(us) : Math.floor(Math.log2(us))
  const shift = power - BITS
  return Math.min((shift + 1) * PARTS + Math.floor(us / 2 ** shift) - PARTS, LAST)
}

/** The longest duration that falls into this bucket. */
function upperUs(index: number): number {
  if (index < PARTS) return index
  const shift = Math.floor(index / PARTS) - 1
  const part = (index % PARTS) + PARTS
  return (part + 1) * 2 ** shift - 1
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000
}
