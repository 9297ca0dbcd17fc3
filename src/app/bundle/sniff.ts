import { constants, gunzipSync } from 'node:zlib'

/** Enough of a file to tell a bundle by. */
export const SNIFF_OCTETS = 4096
const MAGIC_AT = 257 // POSIX ustar: "ustar" behind the fields of the first header

/** Whether a file that begins so is a tar archive, with gzip around it or not. */
export function looksLikeBundle(head: Uint8Array): boolean {
  const plain = head[0] === 0x1f && head[1] === 0x8b ? beginningOf(head) : head
  return 'ustar' === Buffer.from(plain.subarray(MAGIC_AT, MAGIC_AT + 5)).toString('latin1')
}

/** A bomb gives no more than this. */
const MOST = 8 * 1024 * 1024

function beginningOf(head: Uint8Array): Uint8Array {
  try {
    return gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MOST })
  } catch {
    return new Uint8Array(0)
  }
}
