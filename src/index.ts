// The library. What is not exported here may change without notice.
export { analyzeCaptures } from './app/analyze.ts'
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
export { type CauseId, causeIds } from './causes/ids.ts'
export type { Because, ConnectionSummary, Finding, Report, Source } from './diagnose/report.ts'
