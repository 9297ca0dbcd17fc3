import type { Packet } from './packet.ts'

/** A capture with `-s 96` keeps 30 to 42 octets of payload: not worth reading again. */
const HEADERS_KEEP = 42
/** More than this, or a whole message longer than the above, is. */
const WORTH_READING = 64

/** Whether more of the payload was captured than a header-only capture keeps. */
export function hasPayload(p: Packet): boolean {
  const kept = p.dataCap
  return kept > HEADERS_KEEP && (kept > WORTH_READING || kept === p.dataLen)
}
