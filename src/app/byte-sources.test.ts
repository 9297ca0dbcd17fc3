import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pcapFile } from '../../test/helpers/pcap-writer.ts'
import { openCaptures } from '../capture/open.ts'
import { fileSource, standardInput, streamSource } from './byte-sources.ts'

const records = Array.from({ length: 9000 }, (_, i) => ({
  timeNs: 1_700_000_000_000_000_000n + BigInt(i) * 1000n,
  data: new Uint8Array(100).fill(i),
}))
const file = pcapFile({ records })
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tcpwhy-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('byte sources', () => {
  test('a file is read whole, and its records lie where fileOffset says', async () => {
    const path = join(folder, 'a.pcap')
    await writeFile(path, file)
    const reader = await openCaptures([{ name: path, bytes: await fileSource(path) }])
    let count = 0
    for (let batch = await reader.next(); batch !== null; batch = await reader.next()) {
      const last = batch.count - 1
      const at = batch.fileOffset + batch.starts[last]!
      expect(file[at]).toBe((batch.firstFrame - 1 + last) & 255)
      count += batch.count
    }
    expect(count).toBe(9000)
    expect(reader.progress()).toEqual({ done: file.length, total: file.length })
    await reader.close()
  })

  test('a FIFO whose writer has gone before it is read ends', async () => {
    const path = join(folder, 'fifo')
    execFileSync('mkfifo', [path])
    const short = file.subarray(0, 20_000)
    const [source] = await Promise.all([fileSource(path), writeFile(path, short)])
    const into = new Uint8Array(64_000)
    let octets = 0
    for (let count = -1; count !== 0; octets += count) count = await source.read(into)
    expect(octets).toBe(short.length)
    await source.close()
  })

  test('the same file by two names is noticed', async () => {
    const path = join(folder, 'b.pcap')
    await writeFile(path, pcapFile({ records: records.slice(0, 2) }))
    const twice = [
      await fileSource(path),
      await fileSource(join(folder, '..', folder.split('/').at(-1)!, 'b.pcap')),
    ]
    const reader = await openCaptures(twice.map((bytes, i) => ({ name: `${i}`, bytes })))
    expect(reader.sources[1]!.faults).toMatchObject([{ name: 'same-file-twice' }])
    await reader.close()
  })

  test('a pipe gives its records as they come and ends when the writer does', async () => {
    const pipe = new PassThrough()
    pipe.write(file.subarray(0, 24 + 116 * 3 + 50))
    const reader = await openCaptures([{ name: '-', bytes: streamSource(pipe) }])
    expect((await reader.next())?.count).toBe(3)
    const later = reader.next()
    pipe.write(file.subarray(24 + 116 * 3 + 50, 24 + 116 * 5))
    expect((await later)?.count).toBe(2)
    pipe.end()
    expect(await reader.next()).toBe(null)
    expect(reader.sources[0]!.faults).toEqual([])
    await reader.close()
  })

  test('a large pipe in pieces of any size', async () => {
    const pipe = new PassThrough()
    pipe.end(Buffer.from(file))
    const reader = await openCaptures([{ name: '-', bytes: streamSource(pipe) }])
    let count = 0
    for (let batch = await reader.next(); batch !== null; batch = await reader.next())
      count += batch.count
    expect(count).toBe(9000)
    await reader.close()
  })

  test('what cannot be opened is told apart', async () => {
    await expect(fileSource(join(folder, 'none'))).rejects.toMatchObject({
      code: 'CAPTURE_NOT_FOUND',
    })
    await expect(fileSource(folder)).rejects.toMatchObject({ code: 'CAPTURE_IS_DIRECTORY' })
    await expect(
      fileSource('/proc/self/mem').then((source) => source.read(new Uint8Array(10))),
    ).rejects.toMatchObject({ code: 'CAPTURE_UNREADABLE' })
  })

  test('a standard input that Node cannot open is no bug in tcpwhy', () => {
    const own = Object.getOwnPropertyDescriptor(process, 'stdin')!
    const get = () => {
      throw Object.assign(new Error('open EBADF'), { code: 'EBADF' })
    }
    Object.defineProperty(process, 'stdin', { ...own, get })
    try {
      expect(standardInput).toThrow('Cannot read standard input (EBADF)')
    } finally {
      Object.defineProperty(process, 'stdin', own)
    }
  })
})
