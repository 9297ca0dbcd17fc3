/**
 * Where a capture's octets come from: a file, a pipe, a buffer. The file system is not known here (src/app/
 * byte-sources.ts knows it); a reader asks for octets in order and says where to put them, so buffers are re-used.
 */
export interface ByteSource {
  /** Octets in all; null when not known (a pipe). */
  readonly size: number | null
  /** Equal for two sources that are the same file ("device:inode"); null when there is no such thing. */
  readonly identity: string | null
  /** True when an offset of it can be read again later (a regular file). */
  readonly seekable: boolean
  /**
   * Puts the next octets into `into`, as many as are there, at least one. One call at a time.
   * @returns how many; 0 = the end.   @throws TcpwhyError CAPTURE_UNREADABLE, CAPTURE_IS_DIRECTORY
   */
  read(into: Uint8Array): Promise<number>
  /**
   * The same without waiting, where that is quicker: a regular file in the page cache. Handing each chunk to another thread
   * costs more than copying it (measured on a virtual machine: 160 us to wake the thread, 40 us to copy 256 KiB).
   */
  readNow?(into: Uint8Array): number
  /**
   * Reads from any place by another thread, several at a time, beside `read` and `readNow` and without moving them; where
   * there is a second core to do it.   @returns how many octets, fewer than asked for only at the end   @throws as `read`
   */
  readAt?(into: Uint8Array, position: number): Promise<number>
  close(): Promise<void>
}

/** Where the octets and columns of batches lie. */
export interface Arena {
  /** Zeroed, aligned to 8 octets. */
  allocate(octets: number): Uint8Array
  /** Whether this is its memory. */
  owns(buffer: ArrayBufferLike): boolean
  /** `walkRecords` of pcap-walk.ts from its fourth parameter on, for an arena that has it compiled. Octets are those of its memory. */
  walkRecords: ((...numbers: number[]) => number) | null
}

export const heap: Arena = {
  allocate: (octets) => new Uint8Array(octets),
  owns: () => false,
  walkRecords: null,
}

/** A source over octets that are already in memory. `stepOctets` bounds one read, to test readers at odd chunk edges. */
export function memorySource(bytes: Uint8Array, stepOctets = Number.MAX_SAFE_INTEGER): ByteSource {
  let at = 0
  return {
    size: bytes.length,
    identity: null,
    seekable: false,
    async read(into) {
      const count = Math.min(into.length, stepOctets, bytes.length - at)
      into.set(bytes.subarray(at, at + count))
      at += count
      return count
    },
    async close() {},
  }
}
