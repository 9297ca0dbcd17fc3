import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { keepFiles, keepText, makeFolder } from './keep-folder.ts'

const folder = mkdtempSync(join(tmpdir(), 'tcpwhy-keep-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('folders above it are made too, and one that is there is kept', () => {
  const path = join(folder, 'a', 'b')
  makeFolder(path)
  makeFolder(path)
  expect(statSync(path).isDirectory()).toBe(true)
})

test('a file in the way, and a file system that takes no folders, are told and not waited for', () => {
  const file = join(folder, 'file')
  writeFileSync(file, '')
  expect(() => makeFolder(join(file, 'x', 'y'))).toThrow(/Cannot write .*ENOTDIR/)
  expect(() => makeFolder(file)).toThrow(/Cannot write .*ENOTDIR/)
  if (process.platform === 'linux') expect(() => makeFolder('/proc/nope/x')).toThrow(/Cannot write/)
})

test('what cannot be written is no bug of tcpwhy', () => {
  expect(() => keepText(join(folder, 'none', 'x'), 'x')).toThrow(
    expect.objectContaining({ code: 'OUTPUT_UNWRITABLE' }),
  )
})

test('only the files that are asked for', () => {
  const from = join(folder, 'from')
  makeFolder(from)
  for (const name of ['a.log', 'b.ibd']) writeFileSync(join(from, name), name)
  keepFiles(from, join(folder, 'to'), (path) => path === from || path.endsWith('.log'))
  expect(readFileSync(join(folder, 'to', 'a.log'), 'utf8')).toBe('a.log')
  expect(() => statSync(join(folder, 'to', 'b.ibd'))).toThrow()
})
