#!/usr/bin/env node
// Starts the built command line, nothing else. dist/cli.cache, where it is there, is V8's compiled form of dist/cli.cjs
// (scripts/code-cache.mjs): it saves 50 ms of 140 ms. Another version of Node refuses it, and compiles.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'

const file = fileURLToPath(new URL('../dist/cli.cjs', import.meta.url))
const start = new Script(
  `(function (exports, require, module, __filename, __dirname) {${readFileSync(file, 'latin1')}\n})`,
  {
    filename: file,
    cachedData: cached(file.replace(/cjs$/, 'cache')),
  },
)
const module = { exports: {} }
start.runInThisContext()(module.exports, createRequire(file), module, file, dirname(file))

function cached(path) {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}
