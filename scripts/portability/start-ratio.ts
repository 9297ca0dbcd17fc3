import type { Node } from './nodes.ts'
import type { Place } from './place.ts'

const PAIRS = 21
const SMALL = 'test/captures/port-closed/ipv6.pcap'

/** A small capture against `node -e 0`, in turn; the median of the pairs, and of either. */
export function startRatio(node: Node, place: Place): string {
  const pairs = Array.from({ length: PAIRS }, () => {
    const empty = wallMs(() => place.run(node, ['-e', '0']))
    return { empty, own: wallMs(() => place.tcpwhy(node, [SMALL])) }
  })
  const ratio = median(pairs.map(({ own, empty }) => own / empty))
  const [empty, own] = [pairs.map((p) => p.empty), pairs.map((p) => p.own)].map(median)
  return `${ratio.toFixed(2)} times an empty script (${own!.toFixed(0)} and ${empty!.toFixed(0)} ms)`
}

function wallMs(work: () => unknown): number {
  const from = performance.now()
  work()
  return performance.now() - from
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!
}
