/** Longer lines are cut: no pattern is let loose on megabytes. */
const MAX_LINE = 8192

/** Octets as they come -> whole lines, each cut to a bound. */
export class LineSplitter {
  private readonly decoder = new TextDecoder()
  private part = ''

  take(octets: Uint8Array): string[] {
    const lines = (this.part + this.decoder.decode(octets, { stream: true })).split('\n')
    this.part = lines.pop()!.slice(0, MAX_LINE)
    return lines.map((line) => line.slice(0, MAX_LINE))
  }
}
