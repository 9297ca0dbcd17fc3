/** Puts another address in the place of the one that is there: 4 or 16 octets in network order. */
export type MapAddress = (octets: Uint8Array, at: number, size: 4 | 16) => void
