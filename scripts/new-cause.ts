// npm run new-cause -- ID "TITLE" [GROUP] [FOLDER]: the files of a new cause, sorted into their indexes.
// GROUP: never-got-through, cut-in-the-middle (default), stuck-or-timed-out, benign. FOLDER: the checkout to write to (tests).
// What it writes compiles and runs; the words REPLACE ME stand where only you know, and test/gates looks for them.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { groupTitles } from '../src/report/explain/catalog.ts'

const [id = '', title = '', group = 'cut-in-the-middle', root = join(import.meta.dirname, '..')] =
  process.argv.slice(2)
const name = id.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())

if (!/^[a-z]+(-[a-z]+)*$/.test(id) || title === '' || !(group in groupTitles)) {
  console.error(
    'npm run new-cause -- slow-consumer "the consumer is slower than the producer" [GROUP]',
  )
  console.error(`GROUP is one of ${Object.keys(groupTitles).join(', ')}`)
  process.exit(2)
}
if (existsSync(join(root, `src/causes/${id}.ts`))) {
  console.error(`src/causes/${id}.ts is there already.`)
  process.exit(2)
}

create(`src/causes/${id}.ts`, source())
create(`src/causes/${id}.test.ts`, table())
create(`src/messages/en/${id}.ts`, words())
if (!existsSync(join(root, `docs/causes/${id}.md`))) create(`docs/causes/${id}.md`, page())

insert('src/causes/index.ts', /^import .* from '\.\/(.*)\.ts'$/, id, [
  `import { ${name} } from './${id}.ts'`,
])
insert('src/causes/index.ts', /^ {2}(\w+),$/, name, [`  ${name},`])
insert('src/causes/ids.ts', /^ {2}'([a-z-]+)',$/, id, [`  '${id}',`])
insert('src/messages/en/index.ts', /^import .* from '\.\/(.*)\.ts'$/, id, [
  `import { ${name} } from './${id}.ts'`,
])
insert('src/messages/en/index.ts', /^ {2}'([a-z-]+)': \w+,$/, id, [`  '${id}': ${name},`])
insert('src/report/explain/catalog.ts', /^ {2}'?([a-z-]+)'?: \{/, id, [
  `  '${id}': { title: ${JSON.stringify(title).replaceAll("'", "\\'").replace(/^"|"$/g, "'")}, group: '${group}' },`,
])
insert(
  'docs/vocabulary.md',
  /^\| \[`([a-z-]+)`\]/,
  id,
  [`| [\`${id}\`](causes/${id}.md) | ${title} | capture |`],
  {
    below: `### ${groupTitles[group as keyof typeof groupTitles]}`,
  },
)
console.log('now: npx biome check --write src/causes src/messages src/report/explain')

function create(path: string, text: string): void {
  writeFileSync(join(root, path), text)
  console.log(path)
}

/** Puts lines where the list of lines that match `item` stays sorted by its group 1; nothing when the key is there. */
function insert(
  path: string,
  item: RegExp,
  key: string,
  lines: readonly string[],
  { below }: { below?: string } = {},
): void {
  const all = readFileSync(join(root, path), 'utf8').split('\n')
  const from = below === undefined ? 0 : all.indexOf(below) + 1
  let at = -1
  for (let i = from; i < all.length; i++) {
    if (below !== undefined && all[i]!.startsWith('### ')) break
    const other = item.exec(all[i]!)?.[1]
    if (other === undefined) continue
    if (other === key) return
    if (other > key) {
      at = i
      break
    }
    at = endOfItem(all, i)
  }
  if (at < 0) throw new Error(`${path}: nothing looks like ${item}`)
  all.splice(at, 0, ...lines)
  writeFileSync(join(root, path), all.join('\n'))
  console.log(`${path}: a line`)
}

/** The line behind an item, which may be an object over several lines. */
function endOfItem(lines: readonly string[], start: number): number {
  if (!lines[start]!.endsWith('{')) return start + 1
  return lines.findIndex((line, i) => i > start && line === '  },') + 1
}

function source(): string {
  return `import type { ConnectionFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { type Cause, frameOf, type Judgement, judgeEach, reasonsOf, type Verdict } from './cause.ts'

const say = reasonsOf('${id}')

/** REPLACE ME: ${title}. What happens, in one sentence, and why it looks as it does. */
export const ${name} = {
  id: '${id}',
  needs: ['packets'],
  refs: ['RFC 9293 §3.10.7.4'],
  confusedWith: ['linger-zero'],
  judge,
} as const satisfies Cause

function judge(evidence: Evidence): Judgement {
  return judgeEach(evidence, ['reset'], judgeOne)
}

function judgeOne(connection: ConnectionFacts): Verdict | null {
  const reset = connection.resets.find(({ from }) => from === 'server')
  if (reset === undefined) return null
  return {
    connections: [connection],
    certainty: 'possible',
    severity: 'problem',
    weight: 30,
    culprit: { side: 'server', host: connection.server.address },
    because: [say('reset-seen', { ttl: reset.ttl }, frameOf(reset, connection))],
    against: [],
    group: connection.server.endpoint,
  }
}
`
}

function table(): string {
  return `import { causeTable } from '../../test/helpers/cause-table.ts'
import { connection, reset } from '../../test/helpers/facts.ts'
import { ${name} } from './${id}.ts'

causeTable(${name}, [
  {
    name: 'REPLACE ME: the server resets an established connection',
    connections: [connection({ ending: 'reset', resets: [reset({ from: 'server' })] })],
    is: 'possible',
    culprit: 'server',
    because: ['reset-seen'],
  },
  {
    name: 'near miss: the client itself sent the reset',
    connections: [connection({ ending: 'reset', resets: [reset({ from: 'client' })] })],
    is: 'nothing',
  },
  { name: 'a healthy exchange', connections: [connection()], is: 'nothing' },
])
`
}

function words(): string {
  return `import type { CauseMessages } from '../types.ts'

export const ${name} = {
  title: 'REPLACE ME: ${title.replaceAll("'", "\\'")}, at {server} ({connections:count} connections)',
  because: {
    'reset-seen': 'the server sent a reset with TTL {ttl}',
  },
  now: [{ text: 'REPLACE ME: how to stop the loss this minute, and what a restart would destroy.' }],
  experiment: {
    command: 'sudo tcpwhy probe connect {target}',
    supports: 'REPLACE ME: the result of this experiment (or another of tcpwhy probe) that speaks for it',
    refutes: 'REPLACE ME: and the one that speaks against it',
  },
  confirm: [{ text: 'REPLACE ME: what would settle it.', command: 'ss -ti sport = :{port}' }],
  fix: [{ text: 'REPLACE ME: what to change, and how to see that it worked.' }],
} as const satisfies CauseMessages
`
}

function page(): string {
  return `# ${id}: ${title}

## Seen

- REPLACE ME: what people see: error messages in the words of their programs, rates, times.

## Why

REPLACE ME: what happens, in the order in which it happens.

## How we know

- REPLACE ME: on the wire from one side, from both; in the kernel. What is \`likely\`, and what
  \`confirmed\`.

## Easily confused with

- \`linger-zero\`: REPLACE ME: what tells the two apart.

## What to do

**Now.** REPLACE ME: stop the loss, keep the scene, what a restart destroys.

**Fix.** REPLACE ME

**Retries.** REPLACE ME: which are safe.

**Verify.** REPLACE ME

## References

REPLACE ME: RFC and section, file and function of the kernel.
`
}
