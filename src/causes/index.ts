import type { Cause } from './cause.ts'
import { portClosed } from './port-closed.ts'

/** Every cause tcpwhy can conclude, sorted by id. Ranking is diagnose's work. */
export const causes = [portClosed] as const satisfies readonly Cause[]
