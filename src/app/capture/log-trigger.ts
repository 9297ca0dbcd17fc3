import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import vm from 'node:vm'
import { TcpwhyError } from '../../base/errors.ts'
import { LineSplitter } from './lines.ts'
import type { Fired, PolledTrigger } from './triggers.ts'

/** Octets of a log that are looked at in a second; what comes faster is passed over. */
const MAX_OCTETS = 4 * 1024 * 1024
const BLOCK = 64 * 1024
/** For all lines of one look. A pattern that needs more goes astray (catastrophic backtracking). */
const BUDGET_MS = 100

/**
 * A line of a log that matches, as `tail -F` follows it: from its end on, through rotation and truncation. A file that is not
 * there yet is waited for, and then read from its beginning.
 */
export function logTrigger(path: string, pattern: RegExp, onSlow: () => void): PolledTrigger {
  const tail = new Tail(path)
  const matcher = new Matcher(pattern)
  return {
    poll() {
      const found = matcher.firstMatch(tail.lines())
      if (found === 'too-slow') {
        onSlow()
        return null
      }
      return found === null ? null : fired(path, found)
    },
    close: () => tail.close(),
  }
}

function fired(path: string, line: string): Fired {
  return { kind: 'log', values: { path, line: line.slice(0, 300) } }
}

class Tail {
  private readonly path: string
  private fd: number | null = null
  private at = 0
  private lineSplitter = new LineSplitter()

  constructor(path: string) {
    this.path = path
    this.fd = this.open('must')
    if (this.fd !== null) this.at = fstatSync(this.fd).size
  }

  /** Whole lines that came since the last call. */
  lines(): string[] {
    const lines = this.readOn()
    if (!this.isReplaced()) return lines
    this.close()
    this.fd = this.open('may')
    this.at = 0
    this.lineSplitter = new LineSplitter()
    return [...lines, ...this.readOn()]
  }

  close(): void {
    if (this.fd !== null) closeSync(this.fd)
    this.fd = null
  }

  private open(how: 'must' | 'may'): number | null {
    try {
      return openSync(this.path, 'r')
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code
      if (code === 'ENOENT' || how === 'may') return null
      throw new TcpwhyError(
        'BAD_ARGUMENT',
        `The log ${this.path} cannot be read (${code})`,
        'Check the path of --trigger log:FILE:REGEX and its permissions.',
        { cause },
      )
    }
  }

  private readOn(): string[] {
    if (this.fd === null) return []
    const { size } = fstatSync(this.fd)
    if (size < this.at) {
      // Truncated: what is in it now is new.
      this.at = 0
      this.lineSplitter = new LineSplitter()
    }
    if (size - this.at > MAX_OCTETS) this.at = size - MAX_OCTETS
    const lines: string[] = []
    const block = new Uint8Array(BLOCK)
    for (;;) {
      const count = readSync(this.fd, block, 0, BLOCK, this.at)
      if (count === 0) return lines
      this.at += count
      lines.push(...this.lineSplitter.take(block.subarray(0, count)))
      if (lines.length * 2 > MAX_OCTETS) return lines
    }
  }

  /** Another file has the name now. */
  private isReplaced(): boolean {
    try {
      const there = statSync(this.path)
      if (this.fd === null) return true
      const ours = fstatSync(this.fd)
      return there.ino !== ours.ino || there.dev !== ours.dev
    } catch {
      return false // being rotated: the old one may still be written to
    }
  }
}

/** V8 can be told to stop in the middle of a regular expression, but only from a context of its own. */
class Matcher {
  private readonly context: vm.Context & { lines: string[] }
  private readonly script: vm.Script

  constructor(pattern: RegExp) {
    this.context = vm.createContext({ lines: [] as string[], pattern }) as Matcher['context']
    this.script = new vm.Script('lines.find((line) => pattern.test(line)) ?? null')
  }

  firstMatch(lines: string[]): string | null | 'too-slow' {
    if (lines.length === 0) return null
    this.context.lines = lines
    try {
      return this.script.runInContext(this.context, { timeout: BUDGET_MS }) as string | null
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
      return 'too-slow'
    }
  }
}
