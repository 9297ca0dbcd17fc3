import type { ConnectionSummary, Report } from '../diagnose/report.ts'

export interface RenderOptions {
  /** Terminal colours; only the text format has any. */
  color: boolean
  /** How wide the text may be; 100 when not told. */
  columns?: number
  /** Add every listed connection to the text, Markdown or HTML. */
  verbose: boolean
  /** The listed connections, one at a time, in place of `report.connections.listed` (`--all` on a huge capture). */
  listed?: Iterable<ConnectionSummary>
}

/** A way to write a report down. Pieces come one after the other, so that no report is ever one giant string. */
export interface ReportFormat {
  id: string
  title: string
  render(report: Report, options: RenderOptions): Iterable<string>
}
