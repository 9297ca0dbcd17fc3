import type { HostRead } from '../../host/host-files.ts'
import { runTool } from './tool.ts'

/** 200,000 sockets. */
const BOUNDS = { patienceMs: 15_000, maxOctets: 128 * 1024 * 1024 }

/** iproute2's `ss`, in the calling thread's network namespace or in that of `path`. */
export function runSs(args: readonly string[], path?: string): HostRead<string> {
  return runTool('ss', args, BOUNDS, path)
}
