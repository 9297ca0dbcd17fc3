import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { analyzeCaptures } from '../../src/app/analyze.ts'
import type { AnalyzeOptions, AnalyzeResult } from '../../src/app/types.ts'
import type { Report } from '../../src/diagnose/report.ts'
import { root } from '../helpers/built.ts'
import type { PcapRecord } from '../helpers/pcap-writer.ts'

const FILE_HEADER = 24
const RECORD_HEADER = 16

/** Path of one of the project's own captures, by its id: "incident/idle-timeout". */
export function own(id: string): string {
  return join(root, `test/captures/${id}.pcap`)
}

/** A folder for the files of one test file, gone afterwards. */
export function folderOfOurOwn(): (name: string, content: Uint8Array | string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'tcpwhy-app-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  return (name, content) => {
    const path = join(folder, name)
    writeFileSync(path, content)
    return path
  }
}

export function analyze(
  inputs: readonly string[],
  more: Partial<AnalyzeOptions> = {},
): Promise<AnalyzeResult> {
  return analyzeCaptures({ inputs, at: [], filter: {}, all: true, ...more })
}

/** What was found, without the names of files, by which the same traffic in another wrapping differs. */
export function conclusions({ verdict, headline, findings, unknown, connections }: Report) {
  return { verdict, headline, findings, unknown, connections }
}

/** How each connection ended, sorted: what must be the same however little else a format tells. */
export function endings(report: Report): string[] {
  return report.connections.listed
    .map((c) => `${c.client} ${c.server} ${c.ending} ${c.endedBy}`)
    .sort()
}

export interface Cut {
  header: Uint8Array
  /** Each with its header. */
  records: Uint8Array[]
}

/** Header and records of a classic little-endian pcap file. */
export function recordsOf(path: string): Cut {
  const file = new Uint8Array(readFileSync(path))
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  const records: Uint8Array[] = []
  for (let at = FILE_HEADER; at < file.length; ) {
    const end = at + RECORD_HEADER + view.getUint32(at + 8, true)
    records.push(file.subarray(at, end))
    at = end
  }
  return { header: file.subarray(0, FILE_HEADER), records }
}

/** The record as the writers of test/helpers take it. */
export function asWritten(record: Uint8Array): PcapRecord {
  const view = new DataView(record.buffer, record.byteOffset, record.length)
  return {
    timeNs:
      BigInt(view.getUint32(0, true)) * 1_000_000_000n + BigInt(view.getUint32(4, true)) * 1000n,
    wireLen: view.getUint32(12, true),
    data: record.subarray(RECORD_HEADER),
  }
}

export function pcapOf(header: Uint8Array, records: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat([header, ...records]))
}
