import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { afterAll, describe, expect, test } from 'vitest'
import { built, root } from '../helpers/built.ts'

const folder = mkdtempSync(join(tmpdir(), 'tcpwhy-interrupt-'))
afterAll(() => rmSync(folder, { recursive: true }))

// Longer than a pipe holds: once it is written, tcpwhy has been reading.
const CAPTURE = readFileSync(join(root, 'test/captures/incident/listen-backlog.pcap'))

describe('a pipe that goes silent', { timeout: 120_000 }, () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`${signal} ends it with the report of what came`, async () => {
      const child = start('-')
      await interrupted(child, child.stdin!, signal)
      await expectReport(child)
    })
  }

  test('a FIFO as well', async () => {
    const path = join(folder, 'fifo')
    execFileSync('mkfifo', [path])
    const child = start(path)
    const writer = createWriteStream('', { fd: openSync(path, 'r+') })
    await interrupted(child, writer, 'SIGINT')
    await expectReport(child)
    writer.destroy()
  })
})

function start(input: string): ChildProcess {
  return spawn(process.execPath, [built(), '--json', input], { cwd: root, stdio: 'pipe' })
}

async function interrupted(child: ChildProcess, into: Writable, signal: NodeJS.Signals) {
  await new Promise<void>((resolve, reject) => {
    into.write(CAPTURE, (error) => (error ? reject(error) : resolve()))
  })
  child.kill(signal)
}

async function expectReport(child: ChildProcess): Promise<void> {
  let out = ''
  child.stdout!.on('data', (piece) => {
    out += piece
  })
  const late = setTimeout(() => child.kill('SIGKILL'), 20_000)
  const [exitCode, signal] = await once(child, 'close')
  clearTimeout(late)
  expect([exitCode, signal]).toEqual([1, null])
  const report = JSON.parse(out)
  expect(report.verdict).toBe('problem')
  expect(report.sources[0].counts.frames).toBeGreaterThan(100)
}
