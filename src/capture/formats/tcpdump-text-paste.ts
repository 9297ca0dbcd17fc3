// What becomes of tcpdump's lines on their way into a ticket, undone. Format: see tcpdump-text-lines.ts.
import { INDENTED, PACKET_START } from './tcpdump-text-lines.ts'
import { Unwrapper } from './tcpdump-text-wraps.ts'

/** Any time that tcpdump prints: date, clock, seconds since 1970. */
const TIMES =
  /(?:\d{4}-\d\d-\d\d[ T])?(?<![\d.])-?\d\d:\d\d:\d\d\.\d{6,9}(?!\d)|(?<![\d.:])\d{9,10}\.\d{6,9}(?=\s)/g
/** What may stand before a packet's time without being a log's: quote marks, and the number of -#. */
const NO_PREFIX = /^[\s>|"'`]*(?:\d{1,9}\s+)?$/
/** ">" of a web page and of JSON by Go; a no-break space in UTF-8 (read as Latin-1) or Latin-1. */
const ESCAPES = /&(?:gt|#62|#x3[eE]);|\\u003[eE]|&(?:lt|#60|#x3[cC]);|\\u003[cC]|\u00c2?\u00a0/g

/** Lines as they were pasted in, lines as tcpdump printed them out. Holds a line until it is known to be whole. */
export class PastedLines {
  private readonly prefix = new LogPrefix()
  private readonly wraps = new Unwrapper()

  read(lines: readonly string[]): string[] {
    return lines.flatMap((line) => this.wraps.read(this.prefix.strip(unescaped(line))))
  }

  /** The lines that were held. */
  finish(): string[] {
    return this.wraps.finish()
  }
}

function unescaped(line: string): string {
  return line.replace(ESCAPES, (found) => {
    if (found.endsWith('\u00a0')) return ' '
    return /gt|62|3e/i.test(found) ? '>' : '<'
  })
}

/**
 * Takes off what a log puts before each line: the time when it was logged, a host, a container. It is known by a line that
 * has two times, or words before its time; the lines without a time that follow have the same but for the digits.
 */
class LogPrefix {
  private text = ''
  private pattern: RegExp | null = null

  strip(line: string): string {
    if (INDENTED.test(line)) return line
    const known = this.pattern?.exec(line)?.[0].length ?? 0
    const more = prefixLength(line.slice(known))
    if (more > 0) this.remember(line.slice(0, known + more))
    return line.slice(known + more)
  }

  private remember(text: string): void {
    if (text === this.text) return
    this.text = text
    const escaped = text.replace(/[^\w\s]/g, '\\$&').replace(/\d+/g, '\\d+')
    this.pattern = new RegExp(`^${escaped}`)
  }
}

/** How much of a packet's line stands before the time that tcpdump printed, the last before the packet. */
function prefixLength(line: string): number {
  const start = PACKET_START.exec(line)
  if (start === null) return 0
  const last = [...line.slice(0, start.index + 1).matchAll(TIMES)].at(-1)
  if (last === undefined || NO_PREFIX.test(line.slice(0, last.index))) return 0
  return last.index
}
