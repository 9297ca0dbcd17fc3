#!/usr/bin/env node
// Starts the built command line, nothing else. dist/cli.cache, where it is there, is V8's compiled form of dist/cli.cjs: it saves 50 ms
// of 140 ms. A build makes it (scripts/code-cache.mjs); an installed copy makes it when it first reads a file, if it may write
// beside itself: nowhere else, because whoever can write a cache can run code. Another Node passes it over, and makes its own.
// A CommonJS script (bin/package.json): for a module Node would first start its loader of modules, 4 ms of every start.
const {
  accessSync,
  constants,
  existsSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} = require('node:fs')
const { createRequire } = require('node:module')
const { dirname, join } = require('node:path')
const { Script } = require('node:vm')

const file = built(join(__dirname, '../dist/cli.cjs'))
const cache = file.replace(/cjs$/, 'cache')
const maker = thisNode()
const start = new Script(
  `(function (exports, require, module, __filename, __dirname) {${readFileSync(file, 'latin1')}\n})`,
  { filename: file, cachedData: cached() },
)
// undefined = there was none of this Node, true = it was of other flags.
if (start.cachedDataRejected !== false) process.once('exit', keep)
const requireBeside = createRequire(file)
// dist/cli-host.cjs, which looks at hosts, requires the script that loads it: it shall get this one, not start a second.
const own = { exports: {}, id: file, filename: file, loaded: true, children: [] }
require.cache[file] = own
start.runInThisContext()(own.exports, requireBeside, own, file, dirname(file))

/** In a checkout it may not be there yet. */
function built(path) {
  try {
    return realpathSync.native(path)
  } catch {
    const root = dirname(__dirname)
    process.stderr.write(`tcpwhy is not built yet. Run: cd ${root} && npm ci && npm run build\n`)
    process.exit(2)
  }
}

/**
 * V8 tells apart its own versions and flags, not what it was built into: Node 20.20 takes what 20.19 compiled, and dies of it.
 * So does the same version for another system or processor, with which a folder may be shared.
 */
function thisNode() {
  try {
    const { size, mtimeMs } = statSync(process.execPath)
    const { version, platform, arch, execPath } = process
    return Buffer.from(`\n${[version, platform, arch, size, mtimeMs, execPath].join(' ')}`)
  } catch {
    return null
  }
}

function cached() {
  try {
    const octets = readFileSync(cache)
    const end = octets.length - maker.length
    return octets.subarray(end).equals(maker) ? octets.subarray(0, end) : undefined
  } catch {
    return undefined
  }
}

/** What V8 has compiled by now; after reading a file that is what most starts need. */
function keep() {
  try {
    if (maker === null || !process.argv.slice(2).some((word) => existsSync(word))) return
    accessSync(dirname(file), constants.W_OK)
    const part = `${cache}.${process.pid}`
    writeFileSync(part, Buffer.concat([start.createCachedData(), maker]), { flag: 'wx' })
    renameSync(part, cache)
  } catch {
    // Then the next start compiles again.
  }
}
