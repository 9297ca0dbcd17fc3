import type { FlowsRead } from './read-flows.ts'

/** Link, IP and TCP header with options, and what is worth reading: `-s 96` or `-s 128` keep no more than headers. */
const HEADERS_SNAP = 160

/** Data was sent, and what was said in it was cut away (or is not in text that tcpdump printed). */
export function isHeadersOnly({ sources, flows, payloadFrames }: FlowsRead): boolean {
  const cut = sources.every(
    (s) => s.format === 'tcpdump-text' || (s.snapLen > 0 && s.snapLen <= HEADERS_SNAP),
  )
  return cut && payloadFrames === 0 && [...flows.paths.values()].some((p) => p.dataPackets > 0)
}
