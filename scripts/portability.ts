// Does tcpwhy work, and say the same, elsewhere? On other versions of Node, on arm64 (emulated by qemu), on Windows (emulated by wine).
//   npm run portability [-- --node 22,26] [--arm64 22] [--windows 22] [--tests]
// Takes the Nodes from the npm registry. Of a default run: x64 20.19.0, 22, 24, 26, arm64 20.19.0, 22, Windows 20, 22.
// --tests also installs, builds and tests a fresh clone of HEAD with each x64 Node, and installs its package into an empty folder.
// Exit 1: something is wrong; 2: nothing could be run. What cannot be run here is said, and is not counted as right.
import { join } from 'node:path'
import { freshClone } from './portability/clone.ts'
import { fetchNode, type Kind } from './portability/nodes.ts'
import { Place } from './portability/place.ts'
import { startRatio } from './portability/start-ratio.ts'
import { windowsWays } from './portability/windows.ts'

const root = join(import.meta.dirname, '..')
const wanted: Record<Kind, string[]> = {
  'linux-x64': versions('--node', '20.19.0,22,24,26'),
  'linux-arm64': versions('--arm64', '20.19.0,22'),
  // Newer ones do not start under wine 8: V8 reserves memory in a way that it does not know.
  'win-x64': versions('--windows', '20,22'),
}
const place = new Place(root)
let ran = 0
let wrong = 0

for (const kind of Object.keys(wanted) as Kind[]) {
  for (const version of wanted[kind]) {
    const got = fetchNode(kind, version, join(root, '.tmp/portability'))
    if (got.is === 'missing') {
      say(`${kind} ${version}`, 'not run', got.why)
      continue
    }
    ran++
    const { node } = got
    told(node.name, 'reports of all captures', place.reportsDiffer(node))
    told(node.name, 'what another Node compiled', place.foreignCache(node))
    if (kind === 'win-x64') told(node.name, 'the ways of Windows', windowsWays(node, place))
    if (kind !== 'linux-x64') continue
    say(node.name, 'start', startRatio(node, place))
    if (process.argv.includes('--tests')) told(node.name, 'fresh clone', freshClone(node, root))
  }
}
place.remove()
console.log(`${ran} Nodes, ${wrong} wrong. macOS and real Windows: not run here.`)
process.exitCode = ran === 0 ? 2 : wrong > 0 ? 1 : 0

/** The versions after an option; those of a default run when no option is there, none when another is. */
function versions(option: string, all: string): string[] {
  const at = process.argv.indexOf(option)
  if (at > 0) return (process.argv[at + 1] ?? '').split(',')
  return process.argv.some((word) => /^--(node|arm64|windows)$/.test(word)) ? [] : all.split(',')
}

function told(name: string, what: string, faults: readonly string[]): void {
  if (faults.length > 0) wrong++
  say(name, what, faults.length === 0 ? 'right' : `WRONG\n  ${faults.join('\n  ')}`)
}

function say(name: string, what: string, how: string): void {
  console.log(`${name.padEnd(24)} ${what.padEnd(28)} ${how}`)
}
