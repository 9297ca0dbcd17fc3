/** While fewer connections than this are open, each gets a full row at its SYN; beyond, SYNs wait as embryos (48 octets). */
export const FULL_ROWS_AT_SYN = 16_384
/** A closed connection keeps its row for late segments: this long, ... */
export const LINGER_NS = 120e9
/** ... as long as there are no more closed ones than this; then only a tombstone remembers it. */
export const LINGER_ROWS = 128
/** Expired rows that one closing sees to. */
export const EXPIRED_AT_ONCE = 4
