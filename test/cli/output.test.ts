import { execFileSync } from 'node:child_process'
import fs, {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { version } from '../../src/base/version.ts'
import { openFile } from '../../src/cli/file.ts'
import { descriptorOutput, OutputClosed, writePieces } from '../../src/cli/io.ts'
import { barText, progressBar } from '../../src/cli/progress.ts'
import { parseTime } from '../../src/cli/time.ts'

const folder = mkdtempSync(join(tmpdir(), 'tcpwhy-out-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('files', () => {
  test('what was there stays until the new one is whole, and after a failure', async () => {
    const path = join(folder, 'report')
    writeFileSync(path, 'old')
    const file = await openFile(path)
    await file.write('half')
    expect(readFileSync(path, 'utf8')).toBe('old')
    await file.discard()
    expect(readFileSync(path, 'utf8')).toBe('old')
    const again = await openFile(path)
    await again.write('new ')
    await again.write(Buffer.from('text'))
    await again.close()
    expect(readFileSync(path, 'utf8')).toBe('new text')
  })

  test('a link stays a link: its target is replaced', async () => {
    const target = join(folder, 'target')
    writeFileSync(target, 'old', { mode: 0o640 })
    symlinkSync(target, join(folder, 'link'))
    const file = await openFile(join(folder, 'link'))
    await file.write('new')
    await file.close()
    expect(readFileSync(target, 'utf8')).toBe('new')
    expect(statSync(target).mode & 0o777).toBe(0o640)
  })

  test('a device is written directly', async () => {
    const file = await openFile('/dev/null')
    await file.write('gone')
    await file.close()
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true)
  })

  test('a full disk is OUTPUT_UNWRITABLE', async () => {
    const file = await openFile('/dev/full')
    await expect(file.write('x')).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' })
    await file.discard()
  })

  test('a directory is OUTPUT_UNWRITABLE', async () => {
    await expect(openFile(folder)).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' })
  })
})

describe('standard output', () => {
  test('pieces are gathered in blocks, in order', async () => {
    const blocks: string[] = []
    const out = {
      isTerminal: async () => false,
      async write(text: string | Uint8Array) {
        blocks.push(String(text))
      },
    }
    const pieces = Array.from({ length: 5000 }, (_, i) => `${'x'.repeat(50)}${i}\n`)
    await writePieces(pieces, out)
    expect(blocks.join('')).toBe(pieces.join(''))
    expect(blocks.length).toBeLessThan(6)
  })

  test('a reader that has gone is OutputClosed', async () => {
    const path = join(folder, 'fifo')
    execFileSync('mkfifo', [path])
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const writer = openSync(path, 'w')
    closeSync(reader)
    await expect(descriptorOutput(writer).write('x')).rejects.toBeInstanceOf(OutputClosed)
    closeSync(writer)
  })

  test('so it is in the words of Windows', async () => {
    const { writeSync } = fs
    fs.writeSync = () => {
      throw Object.assign(new Error('end of file'), { code: 'EOF' })
    }
    syncBuiltinESMExports()
    try {
      await expect(descriptorOutput(1).write('x')).rejects.toBeInstanceOf(OutputClosed)
    } finally {
      fs.writeSync = writeSync
      syncBuiltinESMExports()
    }
  })

  test('a full disk is OUTPUT_UNWRITABLE, and no bug in tcpwhy', async () => {
    const full = openSync('/dev/full', 'w')
    await expect(descriptorOutput(full).write('x')).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
      todo: expect.stringContaining('The disk is full'),
    })
    closeSync(full)
  })
})

describe('progress', () => {
  function bar() {
    let shown = ''
    let t = 0
    const err = {
      isTerminal: async () => true,
      async write(text: string | Uint8Array) {
        shown += String(text)
      },
    }
    const progress = progressBar(err, () => t)
    return { progress, at: (ms: number) => (t = ms), shown: () => shown }
  }

  test('a short file shows none', async () => {
    const { progress, at, shown } = bar()
    at(300)
    progress.show(10, 20)
    await progress.clear()
    expect(shown()).toBe('')
  })

  test('a long one does, a few times a second, and takes it away', async () => {
    const { progress, at, shown } = bar()
    for (const ms of [500, 510, 520, 700]) {
      at(ms)
      progress.show(ms, 1000)
    }
    await progress.clear()
    expect(shown().match(/ %/g)).toHaveLength(2)
    expect(shown().endsWith('\r\x1b[K')).toBe(true)
  })

  test('with and without a known end', () => {
    expect(barText(5_000_000, 20_000_000)).toBe(
      `[${'#'.repeat(10)}${'.'.repeat(30)}] 25 % of 20.0 MB`,
    )
    expect(barText(30, 20)).toContain('100 %')
    expect(barText(5_000_000, null)).toBe('5.0 MB read, Ctrl-C to report')
  })
})

describe('times', () => {
  const times: [string, unknown][] = [
    ['+0', { is: 'relative', ns: 0n }],
    ['+12.000000001', { is: 'relative', ns: 12_000_000_001n }],
    ['09:14', { is: 'time-of-day', ns: 33_240_000_000_000n }],
    ['23:59:59.999999999', { is: 'time-of-day', ns: 86_399_999_999_999n }],
    ['1970-01-01T00:00:01.5Z', { is: 'absolute', epochNs: 1_500_000_000n }],
    ['1970-01-01T01:00:00+0100', { is: 'absolute', epochNs: 0n }],
    ['1970-01-01 00:00:00.000000001', { is: 'absolute', epochNs: 1n }],
    ['1970-01-02', { is: 'absolute', epochNs: 86_400_000_000_000n }],
  ]
  for (const [typed, means] of times) {
    test(typed, () => expect(parseTime('--since', typed)).toEqual(means))
  }

  for (const typed of ['', '12', '24:00:00', '09:60', '2026-13-01', '2026-02-29', '+', 'now']) {
    test(`${typed || 'nothing'} is no time`, () => {
      expect(() => parseTime('--since', typed)).toThrow(/is not a time/)
    })
  }
})

test('the version is that of package.json', () => {
  const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  expect(version).toBe(JSON.parse(file).version)
})
