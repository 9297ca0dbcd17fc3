import { expect, test } from 'vitest'
import type { Report } from '../diagnose/report.ts'
import { sourceNames } from './sentences.ts'

test.each([
  [
    ['a/client.pcap', 'b/server.pcap'],
    ['client.pcap', 'server.pcap'],
  ],
  [
    ['C:\\x\\client.pcap', '.\\server.pcap'],
    ['client.pcap', 'server.pcap'],
  ],
  [
    ['C:\\1\\x.pcap', 'C:\\2\\x.pcap'],
    ['C:\\1\\x.pcap', 'C:\\2\\x.pcap'],
  ],
  [
    ['-', 'x/'],
    ['-', 'x/'],
  ],
])('sources %o are called %o', (names, short) => {
  const sources = names.map((name, i) => ({ id: String(i), name }))
  expect([...sourceNames({ sources } as Report).values()]).toEqual(short)
})
