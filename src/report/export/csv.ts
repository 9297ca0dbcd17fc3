// RFC 4180: comma, CRLF, quotes doubled. The first line names the columns; null is an empty field.
import type { ConnectionSummary } from '../../diagnose/report.ts'
import { type Cell, columns } from './columns.ts'
import type { Encoder, ExportFormat } from './format.ts'

export const csv: ExportFormat = {
  id: 'csv',
  title: 'comma-separated values, RFC 4180',
  open: async () => csvEncoder(),
}

function csvEncoder(): Encoder {
  let header = `${columns.map((column) => column.name).join(',')}\r\n`
  return {
    encode(connections) {
      const text = header + connections.map(row).join('')
      header = ''
      return text
    },
    end: () => header,
  }
}

function row(connection: ConnectionSummary): string {
  return `${columns.map((column) => field(column.value(connection))).join(',')}\r\n`
}

/** Quoted where needed. Text that a spreadsheet would take for a formula gets an apostrophe before it. */
export function field(cell: Cell): string {
  if (cell === null) return ''
  if (typeof cell !== 'string') return String(cell)
  const safe = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
