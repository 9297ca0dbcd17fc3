import type { ConnectionSummary, Report } from '../../diagnose/report.ts'
import type { RenderOptions, ReportFormat } from '../format.ts'
import { jsonText } from '../printable.ts'

/** The contract `tcpwhy.report/1`: indented, but one line a connection, so that `grep` and `wc -l` are of use. */
export const json: ReportFormat = { id: 'json', title: 'JSON, schema tcpwhy.report/1', render }

function* render(report: Report, options: RenderOptions): Iterable<string> {
  const listed = options.listed ?? report.connections.listed
  let comma = '{\n'
  for (const [key, value] of Object.entries(report)) {
    if (value === undefined) continue
    yield `${comma}  ${jsonText(key)}: `
    if (key === 'connections') yield* connections(report.connections, listed)
    else yield indented(value)
    comma = ',\n'
  }
  yield '\n}\n'
}

function* connections(
  all: Report['connections'],
  listed: Iterable<ConnectionSummary>,
): Iterable<string> {
  yield '{\n'
  for (const [key, value] of Object.entries(all)) {
    if (key === 'listed' || value === undefined) continue
    yield `    ${jsonText(key)}: ${indented(value).replaceAll('\n', '\n  ')},\n`
  }
  yield '    "listed": ['
  let comma = '\n'
  for (const connection of listed) {
    yield `${comma}      ${jsonText(connection)}`
    comma = ',\n'
  }
  yield comma === '\n' ? ']\n  }' : '\n    ]\n  }'
}

function indented(value: unknown): string {
  return jsonText(value, 2).replaceAll('\n', '\n  ')
}
