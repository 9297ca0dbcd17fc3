import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { openBundle } from '../../src/app/bundle/open.ts'
import { memorySource } from '../../src/capture/byte-source.ts'
import { snapshot } from '../../src/cli/commands/snapshot.ts'
import type { OptionSpec } from '../../src/cli/spec.ts'
import { root } from '../helpers/built.ts'
import { cli } from './fake.ts'

const folder = mkdtempSync(join(tmpdir(), 'tcpwhy-snapshot-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('docs/snapshot.md: every option and no other, with the words of --help', () => {
  const page = readFileSync(join(root, 'docs/snapshot.md'), 'utf8')
  const spelled = (snapshot.options as readonly OptionSpec[]).map(
    ({ name, short, value, help }) =>
      `| \`${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}\` | ${help} |`,
  )
  expect(page.match(/^\| `-.*$/gm)).toEqual(spelled)
})

describe('tcpwhy snapshot', () => {
  test('without anything is the whole host, three seconds, fifty mebibytes', async () => {
    const { snapshots, exitCode } = await cli(['snapshot', '-o', '/dev/null'])
    expect(exitCode).toBe(0)
    expect(snapshots).toMatchObject([{ forMs: 3000, maxOctets: 52_428_800, redact: false }])
    expect(Object.keys(snapshots[0]!).sort()).toEqual(['finish', 'forMs', 'maxOctets', 'redact'])
  })

  test('takes what its options say', async () => {
    const words = 'snapshot -o /dev/null --pid 7 --pid 8 --port 443 --netns blue --redact'
    const { snapshots } = await cli([...words.split(' '), '--for', '500ms', '--max-size', '1.5m'])
    expect(snapshots).toMatchObject([
      { pids: [7, 8], ports: [443], netns: 'blue', redact: true, forMs: 500, maxOctets: 1_572_864 },
    ])
  })

  test('--redact-key takes a secret from a file, and redacts', async () => {
    const key = join(folder, 'team.key')
    writeFileSync(key, new Uint8Array(32).fill(7))
    const words = ['snapshot', '-o', '/dev/null', '--redact-key', key]
    const { snapshots } = await cli(words)
    expect(snapshots).toMatchObject([{ redact: true }])
    expect(snapshots[0]?.redactKey).toHaveLength(32)
    writeFileSync(key, 'short')
    const short = await cli(words)
    expect([short.exitCode, short.snapshots]).toEqual([2, []])
    expect(short.err).toContain('16 to')
    rmSync(key)
    const none = await cli(words)
    expect(none.err).toMatch(/cannot read .*ENOENT.*\n.*head -c 32 \/dev\/urandom/)
  })

  test.each([
    ['--max-size', '3'],
    ['--max-size', 'big'],
    ['--max-size', '5t'],
    ['--pid', '0'],
    ['--port', '70000'],
    ['--for', 'ever'],
  ])('%s %s is refused', async (option, value) => {
    const { err, exitCode, snapshots } = await cli(['snapshot', option, value])
    expect([exitCode, snapshots]).toEqual([2, []])
    expect(err).toContain('[BAD_ARGUMENT]')
  })

  test('writes a bundle for its owner only, and says where, what is missing and what to do next', async () => {
    const path = join(folder, 'scene.tar.gz')
    const { out, err } = await cli(['snapshot', '-o', path])
    expect(err).toBe('')
    expect(out).toMatch(/scene\.tar\.gz \(\d/)
    expect(out).toContain('left out: lines of the kernel log: 1 (')
    expect(out).toContain(`Next: tcpwhy diagnose ${path}`)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const bundle = await openBundle(memorySource(readFileSync(path)), path)
    expect(bundle.looks).toHaveLength(2)
  })

  test('leaves nothing half-written where it cannot write', async () => {
    const { err, exitCode } = await cli(['snapshot', '-o', join(folder, 'none', 'scene.tar.gz')])
    expect(exitCode).toBe(2)
    expect(err).toContain('[OUTPUT_UNWRITABLE]')
    expect(readdirSync(folder)).toEqual(['scene.tar.gz'])
  })

  test('to standard output is nothing but the bundle', async () => {
    const pieces: Uint8Array[] = []
    const { err } = await cli(['snapshot', '-o', '-'], undefined, {
      out: {
        isTerminal: async () => false,
        async write(piece) {
          pieces.push(typeof piece === 'string' ? new TextEncoder().encode(piece) : piece)
        },
      },
    })
    const bundle = await openBundle(memorySource(new Uint8Array(Buffer.concat(pieces))), 'stdout')
    expect(bundle.manifest.schema).toBe('tcpwhy.bundle/1')
    expect(err).toContain('written to standard output')
  })

  test('--quiet says nothing', async () => {
    const { out, err } = await cli(['snapshot', '-o', '/dev/null', '--quiet'])
    expect([out, err]).toEqual(['', ''])
  })
})
