// https://github.com/apache/parquet-format, written by hyparquet-writer; imported only when it is asked for.
import type { ConnectionSummary } from '../../diagnose/report.ts'
import { type Cell, type Column, columns } from './columns.ts'
import type { Encoder, ExportFormat } from './format.ts'

export const parquet: ExportFormat = {
  id: 'parquet',
  title: 'Apache Parquet, snappy',
  open: async () => parquetEncoder(await import('hyparquet-writer')),
}

/** Rows in a row group: what is held in memory at a time (some 60 columns, about 25 MB). */
const GROUP_ROWS = 50_000

type Library = typeof import('hyparquet-writer')
type SchemaElement = ConstructorParameters<Library['ParquetWriter']>[0]['schema'][number]

function parquetEncoder(library: Library): Encoder {
  const bytes = new library.ByteWriter()
  const writer = new library.ParquetWriter({
    writer: bytes,
    schema: [{ name: 'connections', num_children: columns.length }, ...columns.map(elementOf)],
    createdBy: 'tcpwhy',
  })
  let group: ConnectionSummary[] = []

  /** The octets made so far; the writer's own offset goes on counting. */
  function take(): Uint8Array {
    const made = bytes.getBytes().slice()
    bytes.index = 0
    return made
  }

  function writeGroup(): void {
    writer.write({
      columnData: columns.map((column) => ({
        name: column.name,
        data: group.map((connection) => parquetValue(column, column.value(connection))),
      })),
      rowGroupSize: GROUP_ROWS,
    })
    group = []
  }

  return {
    encode(connections) {
      for (const connection of connections) {
        group.push(connection)
        if (group.length >= GROUP_ROWS) writeGroup()
      }
      return take()
    },
    end() {
      if (group.length > 0) writeGroup()
      writer.finish()
      return take()
    },
  }
}

function elementOf({ name, type }: Column): SchemaElement {
  const repetition_type = 'OPTIONAL'
  switch (type) {
    case 'string':
      return { name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type }
    case 'integer':
      return { name, type: 'INT64', repetition_type }
    case 'number':
      return { name, type: 'DOUBLE', repetition_type }
    case 'boolean':
      return { name, type: 'BOOLEAN', repetition_type }
    case 'time':
      return {
        name,
        type: 'INT64',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'NANOS' },
        repetition_type,
      }
  }
}

function parquetValue({ type }: Column, cell: Cell): Cell | bigint {
  if (cell === null) return null
  if (type === 'integer') return BigInt(Math.trunc(Number(cell)))
  if (type === 'time') return epochNs(String(cell))
  return cell
}

/** Nanoseconds since 1970 of an ISO time with 9 decimals. */
function epochNs(iso: string): bigint | null {
  const ms = Date.parse(iso)
  if (Number.isNaN(ms)) return null
  const decimals = /\.(\d+)/.exec(iso)?.[1] ?? ''
  return BigInt(ms) * 1_000_000n + BigInt(decimals.slice(3).padEnd(6, '0').slice(0, 6))
}
