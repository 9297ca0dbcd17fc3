// Part of npm run build: makes dist/cli.cjs quick to start for bin/tcpwhy.js.
// It becomes plain ASCII, so that it can be read without decoding and V8 keeps one byte a character, and takes in the bundler's few
// helpers, which would be one more file to find; then it is run once, and keeps what V8 had compiled by then in dist/cli.cache.
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const file = join(root, 'dist/cli.cjs')
const host = join(root, 'dist/cli-host.cjs')
const helpers = join(root, 'dist/rolldown-runtime.cjs')
const cache = join(root, 'dist/cli.cache')
/** What an everyday capture makes V8 compile. */
const CAPTURE = join(root, 'test/captures/incident/listen-backlog.pcap')

// The compiled form of another build may be taken for that of this one: V8 compares no more of the source than its length.
rmSync(cache, { force: true })
writeFileSync(file, ascii(withHelpers(readFileSync(file, 'utf8'))))
writeFileSync(host, ascii(readFileSync(host, 'utf8')))
const stdio = ['ignore', 'ignore', 'inherit']
spawnSync(process.execPath, [join(root, 'bin/tcpwhy.js'), CAPTURE], { stdio })
console.log(`dist/cli.cache: ${Math.round(statSync(cache).size / 1000)} kB`)

/** The second script still finds them in their file: they keep no state that the two would have to share. */
function withHelpers(source) {
  const [before, after, ...more] = source.split('require(`./rolldown-runtime.cjs`)')
  if (after === undefined || more.length > 0) {
    throw new Error('dist/cli.cjs: where are its helpers?')
  }
  const code = readFileSync(helpers, 'utf8')
  return `${before}((exports) => {${code}\nreturn exports})({})${after}`
}

/** Escapes by UTF-16 unit, as strings, templates and regular expressions all understand. */
function ascii(source) {
  if (/String\.raw`[^`]*[\u0080-\uffff]/.test(source)) {
    throw new Error('String.raw with characters beyond ASCII: there an escape would be text')
  }
  return source.replace(
    /[\u0080-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
