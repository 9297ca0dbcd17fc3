// The byte order mark of UTF-16LE: Unicode 17.0 §3.10, D98.
import type { ByteSource } from './byte-source.ts'

/** UTF-16, little-endian: what `>` of Windows PowerShell makes of every program's output. No capture begins so. */
export function isUtf16(head: Uint8Array): boolean {
  return head[0] === 0xff && head[1] === 0xfe
}

/** Room for the longest that a piece can become: three octets of UTF-8 for two. */
const GROWTH = 3

/** The same text in UTF-8, without its mark. */
export function fromUtf16(source: ByteSource): ByteSource {
  const decoder = new TextDecoder('utf-16le')
  const encoder = new TextEncoder()
  let left: Uint8Array = new Uint8Array(0)
  let ended = false

  async function more(size: number): Promise<void> {
    const piece = new Uint8Array(Math.max(2, size))
    const count = await source.read(piece)
    ended = count === 0
    left = encoder.encode(decoder.decode(piece.subarray(0, count), { stream: !ended }))
  }

  return {
    size: source.size,
    identity: source.identity,
    seekable: false,
    async read(into) {
      while (left.length === 0 && !ended) await more(Math.floor(into.length / GROWTH))
      const part = left.subarray(0, into.length)
      into.set(part)
      left = left.subarray(part.length)
      return part.length
    },
    close: () => source.close(),
  }
}
