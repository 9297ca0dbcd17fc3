import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LineSplitter } from './lines.ts'
import { logTrigger } from './log-trigger.ts'
import type { PolledTrigger } from './triggers.ts'

let folder = ''
let path = ''
let trigger: PolledTrigger
let slow = 0

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tcpwhy-test-log-'))
  path = join(folder, 'app.log')
  slow = 0
})
afterEach(() => {
  trigger.close?.()
  rmSync(folder, { recursive: true })
})

function follow(pattern = /reset/): void {
  trigger = logTrigger(path, pattern, () => slow++)
}

const line = () => trigger.poll()?.values['line']

test('from its end on: what is there already is old', () => {
  writeFileSync(path, 'reset 1\n')
  follow()
  expect(line()).toBe(undefined)
  appendFileSync(path, 'fine\nreset 2\n')
  expect(line()).toBe('reset 2')
  expect(line()).toBe(undefined)
})

test('a line is judged when it is whole', () => {
  writeFileSync(path, '')
  follow()
  appendFileSync(path, 'res')
  expect(line()).toBe(undefined)
  appendFileSync(path, 'et 1')
  expect(line()).toBe(undefined)
  appendFileSync(path, '\n')
  expect(line()).toBe('reset 1')
})

test('rotation: the end of the old file, then the new one from its beginning', () => {
  writeFileSync(path, '')
  follow()
  appendFileSync(path, 'reset old\n')
  renameSync(path, `${path}.1`)
  expect(line()).toBe('reset old')
  appendFileSync(`${path}.1`, 'reset older\n')
  writeFileSync(path, 'fine\n')
  expect(line()).toBe('reset older')
  appendFileSync(path, 'reset new\n')
  expect(line()).toBe('reset new')
})

test('truncation: what is in it then is new', () => {
  writeFileSync(path, 'a long line that was there before\n')
  follow()
  writeFileSync(path, 'reset 1\n')
  expect(line()).toBe('reset 1')
})

test('a log that is not there yet is waited for', () => {
  follow()
  expect(line()).toBe(undefined)
  writeFileSync(path, 'reset 1\n')
  expect(line()).toBe('reset 1')
})

test('a log that may not be read, or is a folder, is said', () => {
  follow() // for afterEach
  expect(() => logTrigger(join(path, 'x'), /x/, () => {})).not.toThrow(/EISDIR/)
  writeFileSync(path, '')
  expect(() => logTrigger(join(path, 'x'), /x/, () => {})).toThrow(/cannot be read \(ENOTDIR\)/)
})

test('a pattern that goes astray is interrupted, told, and the next lines are judged', () => {
  writeFileSync(path, '')
  follow(/^(a+)+$/)
  appendFileSync(path, `${'a'.repeat(60)}b\n`)
  expect(line()).toBe(undefined)
  expect(slow).toBe(1)
  appendFileSync(path, 'aaa\n')
  expect(line()).toBe('aaa')
})

test('a hail of lines: only the last of them are looked at', () => {
  writeFileSync(path, '')
  follow()
  appendFileSync(path, 'reset 1\n')
  appendFileSync(path, 'fine and long enough to fill the bound of one look\n'.repeat(100_000))
  expect(line()).toBe(undefined)
})

test('lines are cut to a bound, in pieces or whole, and characters are not', () => {
  const splitter = new LineSplitter()
  const octets = new TextEncoder().encode(`é${'x'.repeat(20_000)}y\nnext\n`)
  const lines = [
    ...splitter.take(octets.subarray(0, 1)),
    ...splitter.take(octets.subarray(1, 9000)),
    ...splitter.take(octets.subarray(9000)),
  ]
  expect(lines.map((one) => [one.length, one[0]])).toEqual([
    [8192, 'é'],
    [4, 'n'],
  ])
})
