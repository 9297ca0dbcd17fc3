import { join } from 'node:path'
import {
  MAX_PAGES,
  PACKET_AT,
  PACKET_FIELDS,
  PACKET_TIME_AT,
  PROCESSOR_AT,
  PROCESSOR_FIELDS,
} from '../../src/flow/core/layout.ts'
import type { Context, Layout } from './expressions.ts'
import { type Body, Sources } from './sources.ts'
import { compile, inline } from './statements.ts'
import { type WasmFunction, wasmModule } from './wasm.ts'

const src = join(import.meta.dirname, '../../src')
const RUN = join(src, 'flow/core/run.ts')
const EXPORTS = [
  ...['run', 'processRow', 'fastRow', 'clear'].map((name) => ({ file: RUN, name })),
  { file: join(src, 'capture/formats/pcap-walk.ts'), name: 'walkRecords' },
]

/**
 * Called; all others are put in place of their calls, because V8 inlines nothing in WebAssembly. These are for what is rare, and
 * would only make the function that every packet goes through larger.
 */
const CALLED = new Set([
  'addHole',
  'beginRow',
  'classifyOld',
  'closeRow',
  'handshakeSegment',
  'isKeptCopy',
  'isSamePacket',
  'keepalive',
  'noteHabits',
  'readTcpOptions',
])

const layout: Layout = {
  packet: {
    tNs: PACKET_TIME_AT,
    ...Object.fromEntries(PACKET_FIELDS.map((field, i) => [field, PACKET_AT + 4 * i])),
  },
  fields: Object.fromEntries(PROCESSOR_FIELDS.map((field, i) => [field, PROCESSOR_AT + 4 * i])),
}

/**
 * src/flow/core/run.ts and src/capture/formats/pcap-walk.ts with all that they call, as a WebAssembly module.
 * @throws Error with file and line where a source leaves the subset of TypeScript that is understood
 */
export function compileCore(): Uint8Array<ArrayBuffer> {
  return compileModule(EXPORTS, { layout, called: CALLED })
}

/** @param exported  functions, by their own names */
export function compileModule(
  exported: readonly { file: string; name: string }[],
  how: { layout: Layout; called: ReadonlySet<string> },
): Uint8Array<ArrayBuffer> {
  const sources = new Sources()
  const indexes = new Map<string, number>()
  const bodies: { body: Body; name: string | null }[] = []
  const indexOf = (body: Body, name: string | null = null) => {
    let index = indexes.get(body.id)
    if (index === undefined) {
      index = bodies.length
      indexes.set(body.id, index)
      bodies.push({ body, name })
    }
    return index
  }
  const context: Context = {
    sources,
    layout: how.layout,
    call: indexOf,
    inlined: (call) =>
      how.called.has(call.body.node.name!.getText()) ? null : inline(context, call),
  }
  for (const { file, name } of exported) indexOf(sources.function(file, name), name)
  const functions: WasmFunction[] = []
  // Compiling one finds those that it calls.
  for (let i = 0; i < bodies.length; i++) {
    const { body, name } = bodies[i]!
    functions.push(compile(context, body, name))
  }
  return wasmModule(functions, MAX_PAGES)
}
