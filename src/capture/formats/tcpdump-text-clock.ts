import type { LineTime } from './tcpdump-text-lines.ts'

const DAY_NS = 86_400_000_000_000n
const STEP_NS = 1000n

/** How a file's clock times are meant; the same print is used for all three. */
export type ClockMeaning = 'of-day' | 'since-previous' | 'since-first'

/**
 * What the first lines of a file say about its clock times. -ttt and -ttttt both begin with 00:00:00.000000; only
 * differences to the line before go back and forth.
 */
export function clockMeaning(times: readonly bigint[]): ClockMeaning {
  const back = times.filter((time, i) => i > 0 && time < times[i - 1]!).length
  const fromZero = times[0] === 0n
  const within = times.every((time) => time < DAY_NS / 24n)
  if (fromZero) return back > 0 ? 'since-previous' : 'since-first'
  return within && back >= 2 && back * 4 >= times.length ? 'since-previous' : 'of-day'
}

/** Makes nanoseconds since 1970 of printed times; a file without dates begins on 1970-01-01. */
export class TextClock {
  /** Lines that had no time of their own, and none before them. */
  untimed = 0
  private readonly meaning: ClockMeaning
  private days = 0n
  private lastClock = 0n
  private lastNs = 0n
  private any = false

  constructor(meaning: ClockMeaning) {
    this.meaning = meaning
  }

  /** Whether any line had a time so far. */
  get timed(): boolean {
    return this.any
  }

  /** @param time  null for a packet without one: a microsecond after that before it when no line has a time */
  read(time: LineTime | null): bigint {
    if (time === null) {
      if (!this.any) {
        this.lastNs += STEP_NS
        this.untimed++
      }
      return this.lastNs
    }
    this.any = true
    this.lastNs = time.is === 'clock' ? this.ofClock(time.ns) : time.ns
    return this.lastNs
  }

  private ofClock(ns: bigint): bigint {
    if (this.meaning === 'since-previous') return this.lastNs + ns
    // Half a day back is midnight; less is a clock that was set, or two interfaces.
    if (ns + DAY_NS / 2n < this.lastClock) this.days++
    this.lastClock = ns
    return this.days * DAY_NS + ns
  }
}
