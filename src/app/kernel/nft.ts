import type { HostRead } from '../../host/host-files.ts'
import { runTool } from './tool.ts'

const BOUNDS = { patienceMs: 5_000, maxOctets: 16 * 1024 * 1024 }

/** `nft -j list ruleset` in the calling thread's network namespace. It only reads; root may. */
export function runNft(): HostRead<string> {
  return runTool('nft', ['-j', 'list', 'ruleset'], BOUNDS)
}
