import { analyzeCaptures } from '../../src/app/analyze.ts'
import { memorySource } from '../../src/capture/byte-source.ts'
import type { Report } from '../../src/diagnose/report.ts'

/** The report on a capture in memory. */
export async function diagnoseCapture(octets: Uint8Array): Promise<Report> {
  const given = new Map([['capture', memorySource(octets)]])
  const options = { inputs: ['capture'], given, at: [], filter: {}, all: true }
  return (await analyzeCaptures(options)).report
}
