import { compileCore } from '../../scripts/core/compile.ts'
import { newCore } from '../../src/app/core.ts'
import { type ReadOptions, readFlows } from '../../src/app/read-flows.ts'
import { memorySource } from '../../src/capture/byte-source.ts'
import type { Core } from '../../src/flow/core/core.ts'
import type { ConnectionFacts } from '../../src/flow/facts.ts'

export const wasm = compileCore()

interface Given {
  files: readonly Uint8Array[]
  /** Octets that a read gives at most. */
  step?: number
  options?: ReadOptions
  /** Whether the facts of every connection are asked for. */
  eachConnection?: boolean
}

/** All that a reading tells: with the core, and by JavaScript alone. */
export async function bothWays(given: Given): Promise<{ core: unknown; without: unknown }> {
  return { core: await told(given, newCore(wasm)), without: await told(given, null) }
}

async function told(
  { files, step, options = {}, eachConnection = true }: Given,
  core: Core | null,
) {
  const connections: ConnectionFacts[] = []
  const inputs = files.map((bytes, i) => ({ name: `${i}`, bytes: memorySource(bytes, step) }))
  const read = await readFlows(inputs, {
    ...(eachConnection ? { onConnection: (facts) => connections.push(facts) } : {}),
    ...options,
    core,
  })
  const { flows, counts, payloadFrames, sources, originNs, firstFrame } = read
  return { connections, flows, counts, payloadFrames, sources, originNs, firstFrame }
}
