// The library; docs/library.md. What is not exported here may change without notice.
import { analyzeCaptures } from './app/analyze.ts'
import type { AnalyzeOptions, AnalyzeResult } from './app/types.ts'
import type { Cause } from './causes/cause.ts'
import { causes as allCauses } from './causes/index.ts'
import type { Messages } from './diagnose/finding.ts'
import { en } from './messages/en/index.ts'

export type {
  AnalyzeCaptures,
  AnalyzeOptions,
  AnalyzeResult,
  ConnectionFilter,
  ConnectionSink,
  TimeSpec,
  Vantage,
} from './app/types.ts'
export { type ErrorCode, errorCodes, TcpwhyError } from './base/errors.ts'
export { version } from './base/version.ts'
export type { Cause, Certainty, Judgement, Need, Severity, Verdict } from './causes/cause.ts'
export { type CauseId, causeIds } from './causes/ids.ts'
export { type DiagnoseInput, type DiagnoseOptions, diagnose } from './diagnose/diagnose.ts'
export type { Ladder } from './diagnose/ladder.ts'
export type { Because, ConnectionSummary, Finding, Report, Source } from './diagnose/report.ts'
export type { ConnectionFacts } from './evidence/connection.ts'
export { type Ending, endings } from './evidence/endings.ts'
export type { Evidence } from './evidence/evidence.ts'
export { type Explanation, explain } from './report/explain/explain.ts'
export { analyzeCaptures }

/** What can be concluded, sorted by id. */
export const causes: readonly Cause[] = allCauses

/** The sentences, in English. */
export const messages: Messages = en

/**
 * Why the connections in these captures died: `tcpwhy FILE...` as a function. Prints nothing, sets no exit code.
 * @param files  one path or several (joined in time order), '-' for standard input; [] when `options.at` names them
 * @throws TcpwhyError CAPTURE_*, CONNECTION_NOT_FOUND, BAD_ARGUMENT
 */
export function analyze(
  files: string | readonly string[],
  options: Partial<Omit<AnalyzeOptions, 'inputs'>> = {},
): Promise<AnalyzeResult> {
  const inputs = typeof files === 'string' ? [files] : files
  return analyzeCaptures({ at: [], filter: {}, all: false, ...options, inputs })
}
