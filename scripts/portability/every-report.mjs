// Run by the Node under test, in a built checkout: every-report.mjs OUT
// Writes a line for each capture of ours and each form of report: what was printed, as a digest, and the exit code. One process for
// all of them, because another processor is emulated and another system takes its time to start one.
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const FORMS = [['-v'], ['--json', '--all']]
const require = createRequire(import.meta.url)
const cli = require.resolve('../../dist/cli.cjs')
const out = process.argv[2]
const names = fs.readdirSync('test/captures', { recursive: true })
const captures = names.filter((name) => /\.(pcap|pcapng|txt)$/.test(name)).sort()
const left = captures.flatMap((name) =>
  FORMS.map((form) => [`test/captures/${name.replaceAll('\\', '/')}`, ...form]),
)
const lines = [`captures ${captures.length}`]
let digest = null
let words = []
let cores = 0

const { writeSync } = fs
fs.writeSync = (fd, octets, at = 0, ...more) => {
  if (fd !== 1 && fd !== 2) return writeSync(fd, octets, at, ...more)
  digest.update(`${fd}`).update(octets.subarray(at))
  return octets.length - at
}
const { Instance } = WebAssembly
WebAssembly.Instance = function counted(...of) {
  cores++
  return new Instance(...of)
}
process.on('beforeExit', next)
process.on('warning', (warning) => lines.push(`warning ${warning.message}`))

/** The command has done when nothing is left to wait for. */
function next() {
  if (digest !== null) lines.push(`${words.join(' ')}: ${digest.digest('hex')} ${process.exitCode}`)
  process.exitCode = 0
  words = left.shift() ?? []
  if (words.length === 0) {
    digest = null
    process.off('beforeExit', next)
    lines.push(`readings with the core: ${cores}`, '')
    fs.writeFileSync(out, lines.join('\n'))
    return
  }
  digest = createHash('sha256')
  process.argv = [process.execPath, join(process.cwd(), 'bin/tcpwhy.js'), ...words]
  delete require.cache[cli]
  require(cli)
}
