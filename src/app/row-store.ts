import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { TcpwhyError } from '../base/errors.ts'
import type { Draft } from '../diagnose/summary.ts'

/** So many rows are kept in memory, some 30 MB; more go to a temporary file. */
const HELD = 10_000
/** Octets gathered before they are written, and read ahead. */
const BLOCK = 1 << 20

/**
 * Rows of connections as they end, given back in order of their ids. Memory is bounded: beyond 10,000 rows they wait in a
 * temporary file, of which only the place of each row is remembered (12 octets a connection).
 */
export class RowStore {
  private readonly held: Draft[] = []
  private spool: Spool | null = null
  private readonly limit: number
  size = 0

  constructor(limit = HELD) {
    this.limit = limit
  }

  /** @throws TcpwhyError OUTPUT_UNWRITABLE when the temporary folder is full */
  add(row: Draft): void {
    this.size++
    this.held.push(row)
    if (this.held.length <= this.limit) return
    this.spool ??= new Spool()
    for (const waiting of this.held) this.spool.write(waiting)
    this.held.length = 0
  }

  /** Every row, in order of ids. May be asked for again until `close`. */
  *rows(): Iterable<Draft> {
    const { spool, held } = this
    if (spool === null) {
      yield* held.sort((a, b) => Number(a.id) - Number(b.id))
      return
    }
    for (const row of held) spool.write(row)
    held.length = 0
    yield* spool.rows()
  }

  close(): void {
    this.spool?.close()
    this.spool = null
    this.held.length = 0
  }
}

/** A file without a name: it is gone when the process is. One JSON text a row, wherever it came. */
class Spool {
  private readonly fd: number
  /** Where it still has a name: Windows keeps a folder while a file in it is open. */
  private folder: string | null
  private starts = new Float64Array(1 << 16)
  private lengths = new Uint32Array(1 << 16)
  private end = 0
  private ids = 0
  private pending: Buffer[] = []
  private waiting = 0

  constructor() {
    this.folder = mkdtempSync(join(temporaryFolder(), 'tcpwhy-rows-'))
    this.fd = openSync(join(this.folder, 'rows'), 'wx+', 0o600)
    this.remove()
  }

  write(row: Draft): void {
    const text = Buffer.from(JSON.stringify(row))
    const id = Number(row.id)
    this.reach(id)
    this.starts[id] = this.end
    this.lengths[id] = text.length
    this.end += text.length
    this.pending.push(text)
    this.waiting += text.length
    if (this.waiting >= BLOCK) this.flush()
  }

  *rows(): Iterable<Draft> {
    this.flush()
    const block = Buffer.allocUnsafe(BLOCK)
    let from = 0
    let to = 0
    for (let id = 0; id < this.ids; id++) {
      const start = this.starts[id]!
      const length = this.lengths[id]!
      if (length === 0) continue
      if (start < from || start + length > to) {
        from = start
        to = start + readSync(this.fd, block, 0, BLOCK, start)
      }
      yield JSON.parse(block.toString('utf8', start - from, start - from + length)) as Draft
    }
  }

  close(): void {
    closeSync(this.fd)
    this.remove()
  }

  private remove(): void {
    if (this.folder === null) return
    try {
      rmSync(this.folder, { recursive: true, force: true })
      this.folder = null
    } catch {
      // Then when it is closed.
    }
  }

  private flush(): void {
    const octets = Buffer.concat(this.pending)
    let at = this.end - octets.length
    try {
      for (let done = 0; done < octets.length; ) {
        const written = writeSync(this.fd, octets, done, octets.length - done, at)
        done += written
        at += written
      }
    } catch (cause) {
      throw new TcpwhyError(
        'OUTPUT_UNWRITABLE',
        `Cannot keep the rows of the connections in ${temporaryFolder()}`,
        'Make room there, or let TMPDIR name another folder: it takes about as much as the JSON of all rows.',
        { cause },
      )
    }
    this.pending = []
    this.waiting = 0
  }

  private reach(id: number): void {
    this.ids = Math.max(this.ids, id + 1)
    if (id < this.starts.length) return
    const room = 2 ** Math.ceil(Math.log2(id + 1))
    const starts = new Float64Array(room)
    const lengths = new Uint32Array(room)
    starts.set(this.starts)
    lengths.set(this.lengths)
    this.starts = starts
    this.lengths = lengths
  }
}

/** Loaded by who spools, not at every start. */
function temporaryFolder(): string {
  return process.getBuiltinModule('node:os').tmpdir()
}
