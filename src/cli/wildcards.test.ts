import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { withoutWildcards } from './wildcards.ts'

const folder = mkdtempSync(join(tmpdir(), 'tcpwhy-wildcards-'))
for (const name of ['b.pcap', 'A.PCAP', 'ring-1.pcapng', 'ring-12.pcapng', 'x(1).txt']) {
  writeFileSync(join(folder, name), '')
}
afterAll(() => rmSync(folder, { recursive: true }))

const named = (pattern: string, platform = 'win32') =>
  withoutWildcards([join(folder, pattern)], platform).map((path) => path.slice(folder.length + 1))

test.each([
  ['*.pcap', ['A.PCAP', 'b.pcap']],
  ['ring-?.pcapng', ['ring-1.pcapng']],
  ['*1*', ['ring-1.pcapng', 'ring-12.pcapng', 'x(1).txt']],
  ['x(1).*', ['x(1).txt']],
  ['*.zst', ['*.zst']],
  ['b.pcap', ['b.pcap']],
])('on Windows %s stands for the files of that name', (pattern, names) => {
  expect(named(pattern)).toEqual(names)
})

test('elsewhere a file may be called so, and the shell has looked already', () => {
  expect(named('*.pcap', 'linux')).toEqual(['*.pcap'])
})

test('standard input and a folder that is not there are left to whoever opens them', () => {
  expect(withoutWildcards(['-', 'no/such/*.pcap'], 'win32')).toEqual(['-', 'no/such/*.pcap'])
})
