// https://jsonlines.org: one object a line, with the columns as keys.
import type { ConnectionSummary } from '../../diagnose/report.ts'
import { jsonText } from '../printable.ts'
import { columns } from './columns.ts'
import type { ExportFormat } from './format.ts'

export const jsonl: ExportFormat = {
  id: 'jsonl',
  title: 'JSON Lines, one object a connection',
  open: async () => ({
    encode: (connections) => connections.map(line).join(''),
    end: () => '',
  }),
}

function line(connection: ConnectionSummary): string {
  const cells = columns.map((column) => [column.name, column.value(connection)])
  return `${jsonText(Object.fromEntries(cells))}\n`
}
