// Part of npm run build: the core to dist/core.wasm. Why there is one: docs/performance.md
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileCore } from './compile.ts'

declare const WebAssembly: { Module: new (octets: Uint8Array) => object }

const dist = join(import.meta.dirname, '../../dist')
const wasm = compileCore()
// Refused here and not where it is used: there JavaScript would do the work, and nobody would know why it takes long.
new WebAssembly.Module(wasm)
mkdirSync(dist, { recursive: true })
writeFileSync(join(dist, 'core.wasm'), wasm)
console.log(`dist/core.wasm: ${Math.round(wasm.length / 1000)} kB`)
