/** Running frame numbers over the joined input <-> the numbers each file has in Wireshark. */
export class FrameMap {
  private readonly runs: { from: number; source: number; firstFrame: number; count: number }[] = []
  private next: number

  /** @param first running number of the first frame of all */
  constructor(first = 1) {
    this.next = first
  }

  /** A stretch of `count` records of one source. @returns the running number of its first record. */
  add(source: number, firstFrame: number, count: number): number {
    const from = this.next
    this.next += count
    const last = this.runs[this.runs.length - 1]
    const continues = last?.source === source && last.firstFrame + last.count === firstFrame
    if (last !== undefined && continues) last.count += count
    else this.runs.push({ from, source, firstFrame, count })
    return from
  }

  /** Running number of the next frame. */
  get end(): number {
    return this.next
  }

  /** Source index and frame number in its own file. */
  locate(frame: number): { source: number; frame: number } {
    let low = 0
    let high = this.runs.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.runs[middle]!.from <= frame) low = middle
      else high = middle - 1
    }
    const run = this.runs[low]
    if (run === undefined) return { source: 0, frame }
    return { source: run.source, frame: run.firstFrame + frame - run.from }
  }
}
