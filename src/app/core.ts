import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Core, type CoreExports, type CoreMemory } from '../flow/core/core.ts'
import { MAX_PAGES } from '../flow/core/layout.ts'

/** As far as it is used here: neither the compiler's library nor Node's types have it whole. */
declare const WebAssembly: {
  Module: new (octets: Uint8Array) => object
  Memory: new (of: { initial: number; maximum: number; shared: true }) => CoreMemory
  Instance: new (module: object, imports: object) => { exports: unknown }
}

/** Beside the script that this is built into (scripts/core makes it); run from the sources there is none. */
const FILE = join(import.meta.dirname, 'core.wasm')
/** The memory of WebAssembly is little-endian everywhere, what JavaScript sees in it has the byte order of the machine. */
const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
const FIRST_PAGES = 24
let octets: Uint8Array | null = null

/** Making its memory and reading its code takes some 5 ms, in which JavaScript deals with so many octets. */
const WORTH_OCTETS = 256 * 1024

/**
 * A core for one reading.
 * @param octetsInAll  of the inputs, null = not known (a pipe)
 * @returns null where there is none, on big-endian machines, or without room for the addresses of its memory (`ulimit -v`):
 *   then JavaScript does all of the work, with the same result
 */
export function coreForReading(octetsInAll: number | null): Core | null {
  if (process.env['TCPWHY_WASM'] === 'off' || !LITTLE_ENDIAN) return null
  if (octetsInAll !== null && octetsInAll < WORTH_OCTETS) return null
  try {
    octets ??= readFileSync(FILE)
    return newCore(octets)
  } catch {
    return null
  }
}

/** @param wasm  the module's octets */
export function newCore(wasm: Uint8Array): Core {
  const memory = new WebAssembly.Memory({ initial: FIRST_PAGES, maximum: MAX_PAGES, shared: true })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: { memory } })
  return new Core(memory, exports as CoreExports)
}
