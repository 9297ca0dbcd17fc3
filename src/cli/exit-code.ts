import { assertNever } from '../base/assert.ts'
import type { Report } from '../diagnose/report.ts'

/** Exit code of `analyze`; docs/report.md. */
export function exitCodeOf({ verdict }: Pick<Report, 'verdict'>): number {
  switch (verdict) {
    case 'healthy':
    case 'benign':
      return 0
    case 'problem':
      return 1
    case 'inconclusive':
      return 3
    default:
      return assertNever(verdict)
  }
}
