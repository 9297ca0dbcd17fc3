// The few instructions of WebAssembly that the core needs, and the frame of a module around them.
// https://webassembly.github.io/spec/core/binary/

export type Type = 'i32' | 'f64'

export const op = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  return: 0x0f,
  call: 0x10,
  drop: 0x1a,
  select: 0x1b,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  i32Load: 0x28,
  f64Load: 0x2b,
  i32Load8U: 0x2d,
  i32Load16U: 0x2f,
  i32Store: 0x36,
  f64Store: 0x39,
  i32Const: 0x41,
  f64Const: 0x44,
  i32Eqz: 0x45,
  i32Shl: 0x74,
  f64ConvertI32: 0xb7,
} as const

const VOID = 0x40
const CODES: Record<Type, number> = { i32: 0x7f, f64: 0x7c }

export function blockType(type: Type | null): number {
  return type === null ? VOID : CODES[type]
}

export function u32(value: number): number[] {
  const out: number[] = []
  let rest = value >>> 0
  do {
    const byte = rest & 127
    rest >>>= 7
    out.push(rest === 0 ? byte : byte | 128)
  } while (rest !== 0)
  return out
}

function s32(value: number): number[] {
  const out: number[] = []
  let rest = value | 0
  for (;;) {
    const byte = rest & 127
    rest >>= 7
    const done = (rest === 0 && (byte & 64) === 0) || (rest === -1 && (byte & 64) !== 0)
    out.push(done ? byte : byte | 128)
    if (done) return out
  }
}

export function i32Const(value: number): number[] {
  return [op.i32Const, ...s32(value)]
}

export function f64Const(value: number): number[] {
  return [op.f64Const, ...new Uint8Array(new Float64Array([value]).buffer)]
}

/** @param align exponent of 2 @param offset octets, added to the address on the stack */
export function memory(instruction: number, align: number, offset: number): number[] {
  return [instruction, align, ...u32(offset)]
}

export interface WasmFunction {
  /** Exported under this name; null = internal. */
  name: string | null
  params: Type[]
  result: Type | null
  locals: Type[]
  code: number[]
}

/** A module that imports its shared memory as env.memory and has one mutable i32 global. */
export function wasmModule(
  functions: readonly WasmFunction[],
  maxPages: number,
): Uint8Array<ArrayBuffer> {
  const text = (value: string) => [...u32(value.length), ...new TextEncoder().encode(value)]
  const vector = (items: number[][]) => [...u32(items.length), ...items.flat()]
  const section = (id: number, body: number[]) => [id, ...u32(body.length), ...body]
  const types = functions.map((f) => [
    0x60,
    ...vector(f.params.map((t) => [CODES[t]])),
    ...vector(f.result === null ? [] : [[CODES[f.result]]]),
  ])
  const SHARED_WITH_MAXIMUM = 3
  const imported = [...text('env'), ...text('memory'), 2, SHARED_WITH_MAXIMUM, 1, ...u32(maxPages)]
  const exported = functions.flatMap((f, i) =>
    f.name === null ? [] : [[...text(f.name), 0, ...u32(i)]],
  )
  const bodies = functions.map((f) => {
    const body = [...vector(f.locals.map((t) => [1, CODES[t]])), ...f.code, op.end]
    return [...u32(body.length), ...body]
  })
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...section(2, vector([imported])),
    ...section(3, vector(functions.map((_, i) => u32(i)))),
    ...section(6, vector([[CODES.i32, 1, ...i32Const(0), op.end]])),
    ...section(7, vector(exported)),
    ...section(10, vector(bodies)),
  ])
}
