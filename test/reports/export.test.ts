import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import { columns } from '../../src/report/export/columns.ts'
import { field } from '../../src/report/export/csv.ts'
import { exportFormats } from '../../src/report/export/index.ts'
import { connection, inconclusive, threeFindings, twoSources } from './fixtures.ts'

const rows = [threeFindings, inconclusive, twoSources].flatMap((r) => r.connections.listed)

async function written(id: string, chunks: (typeof rows)[]): Promise<Uint8Array> {
  const encoder = await exportFormats.find((format) => format.id === id)!.open()
  const pieces = [...chunks.map((chunk) => encoder.encode(chunk)), encoder.end()]
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece as string)))
}

/** What the columns say of a connection, by name. */
function cells(c: (typeof rows)[number]) {
  return Object.fromEntries(columns.map((column) => [column.name, column.value(c)]))
}

describe('export', () => {
  test('csv: a header, then one line a connection, however it is cut in chunks', async () => {
    const one = await written('csv', [rows])
    const many = await written('csv', [rows.slice(0, 1), [], rows.slice(1)])
    expect(many).toEqual(one)
    const lines = Buffer.from(one).toString().split('\r\n')
    expect(lines).toHaveLength(rows.length + 2)
    expect(lines[0]).toBe(columns.map((column) => column.name).join(','))
    expect(lines[1]).toMatch(/^44,10\.77\.1\.5,40895,10\.77\.2\.2,80,false,true,both,2026-/)
  })

  test('csv of no connection is the header alone', async () => {
    expect(Buffer.from(await written('csv', [])).toString()).toMatch(/^id,[^\n]+\r\n$/)
  })

  test('csv: quotes, and text that a spreadsheet would run', () => {
    expect(field('a "b", c')).toBe('"a ""b"", c"')
    expect(field('=HYPERLINK("x")')).toBe('"\'=HYPERLINK(""x"")"')
    expect([field(-5), field(null), field(false), field('')]).toEqual(['-5', '', 'false', ''])
  })

  test('jsonl: one object a line with the columns as keys', async () => {
    const lines = Buffer.from(await written('jsonl', [rows]))
      .toString()
      .trimEnd()
      .split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual(rows.map(cells))
  })

  test('parquet: another library reads the same values, start time to the nanosecond', async () => {
    const file = await written('parquet', [rows.slice(0, 2), rows.slice(2)])
    const buffer = file.buffer.slice(file.byteOffset, file.byteOffset + file.length) as ArrayBuffer
    const read = await parquetReadObjects({
      file: buffer,
      parsers: { timestampFromNanoseconds: (ns: bigint) => ns },
    } as Parameters<typeof parquetReadObjects>[0])
    expect(read).toHaveLength(rows.length)
    for (const [i, row] of read.entries()) {
      const expected = cells(rows[i]!)
      for (const { name, type } of columns) {
        const got = row[name]
        if (type === 'time') expect(got).toBe(1_763_630_043_199_624_871n + YEAR)
        else expect(typeof got === 'bigint' ? Number(got) : (got ?? null)).toEqual(expected[name])
      }
    }
  })

  test('parquet: 120,000 connections in row groups, none held longer than its group', async () => {
    const encoder = await exportFormats.find((format) => format.id === 'parquet')!.open()
    const chunk = Array.from({ length: 1000 }, (_, i) => connection({ id: String(i) }))
    const pieces: Uint8Array[] = []
    for (let i = 0; i < 120; i++) pieces.push(Buffer.from(encoder.encode(chunk) as Uint8Array))
    expect(pieces.filter((piece) => piece.length > 1000)).toHaveLength(2)
    pieces.push(Buffer.from(encoder.end() as Uint8Array))
    const file = Buffer.concat(pieces)
    const metadata = parquetMetadata(
      file.buffer.slice(file.byteOffset, file.byteOffset + file.length) as ArrayBuffer,
    )
    expect(metadata.row_groups.map((group) => Number(group.num_rows))).toEqual([
      50_000, 50_000, 20_000,
    ])
  })

  test('docs/export.md describes exactly these columns, in this order', () => {
    const page = readFileSync(
      fileURLToPath(new URL('../../docs/export.md', import.meta.url)),
      'utf8',
    )
    const described = [...page.matchAll(/^\| `(\w+)` \| (\w+) \|/gm)].map((m) => [m[1], m[2]])
    expect(described).toEqual(columns.map(({ name, type }) => [name, type]))
  })
})

// 2026-11-20T09:14:03Z is 365 days after the same moment of 2025.
const YEAR = 365n * 86_400n * 1_000_000_000n
