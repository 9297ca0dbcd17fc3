import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root } from '../helpers/built.ts'

// npm run new-cause, in a copy of the checkout: what it writes compiles, passes its own table, and is sorted in.
const place = mkdtempSync(join(tmpdir(), 'tcpwhy-new-cause-'))
const bin = (path: string) => join(root, 'node_modules', path)
const TSX = bin('tsx/dist/cli.mjs')
const SCRIPT = join(root, 'scripts/new-cause.ts')

afterAll(() => rmSync(place, { recursive: true }), 120_000)

function node(args: string[], cwd = place) {
  return spawnSync(process.execPath, args, { cwd, encoding: 'utf8' })
}

function read(path: string): string {
  return readFileSync(join(place, path), 'utf8')
}

describe('npm run new-cause', () => {
  beforeAll(() => {
    // All but what is large and not looked at.
    const skipped = ['.git', '.tmp', 'dist', 'node_modules', 'test/captures'].map((p) =>
      join(root, p),
    )
    cpSync(root, place, { recursive: true, filter: (path) => !skipped.includes(path) })
    symlinkSync(bin(''), join(place, 'node_modules'))
    const title = "the consumer can't keep up"
    for (const [id, group] of [
      ['aa-first', 'benign'],
      ['slow-consumer', 'stuck-or-timed-out'],
      ['zz-last', 'never-got-through'],
    ] as const) {
      execFileSync(process.execPath, [TSX, SCRIPT, id, title, group, place], { cwd: root })
    }
    execFileSync(bin('.bin/biome'), ['check', '--write', '--vcs-enabled=false', 'src'], {
      cwd: place,
    })
  }, 120_000)

  test('what it writes compiles', () => {
    const { stdout } = node([bin('ts7/bin/tsc'), '-p', 'tsconfig.json', '--noEmit'])
    expect(stdout).toBe('')
  }, 120_000)

  test('its tables pass, and so does all that compares lists', () => {
    const { stdout, status } = node([
      bin('vitest/vitest.mjs'),
      'run',
      'src/causes/slow-consumer',
      'src/causes/aa-first',
      'src/causes/zz-last',
      'test/docs/cause-pages',
      'test/docs/vocabulary',
      '-t',
      '^(?!README).*',
    ])
    expect(status, stdout).toBe(0)
  }, 120_000)

  test('every index stays sorted', () => {
    const ids = [...read('src/causes/ids.ts').matchAll(/^ {2}'([a-z-]+)',$/gm)].map(([, id]) => id)
    expect(ids).toEqual([...ids].sort())
    expect(ids).toEqual(expect.arrayContaining(['aa-first', 'slow-consumer', 'zz-last']))
    const listed = [...read('src/causes/index.ts').matchAll(/^ {2}(\w+),$/gm)].map(([, n]) => n)
    expect(listed).toEqual([...listed].sort())
  })

  test('it overwrites nothing, and explains itself', () => {
    const again = node([TSX, SCRIPT, 'slow-consumer', 'x', 'benign', place], root)
    expect(again.status).toBe(2)
    expect(again.stderr).toContain('there already')
    expect(node([TSX, SCRIPT, 'Slow Consumer', 'x'], root).stderr).toContain('GROUP is one of')
  })
})

test('no words of the template are left in the real ones', () => {
  const left = ['src', 'docs'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|md)$/.test(name))
      .map((name) => join(root, folder, name))
      .filter((path) => readFileSync(path, 'utf8').includes('REPLACE ME')),
  )
  expect(left).toEqual([])
})
