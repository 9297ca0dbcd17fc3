/** The one function of lz4js that is used; it has no types of its own. */
declare module 'lz4js' {
  /** @returns where the output ends in `dst`; a match may reach back before `dIndex`. Writes beyond `dst` are lost. */
  export function decompressBlock(
    src: Uint8Array,
    dst: Uint8Array,
    sIndex: number,
    sLength: number,
    dIndex: number,
  ): number
}
