import type { AddressBook } from '../base/addresses.ts'
import { TcpwhyError } from '../base/errors.ts'
import type { Packet } from '../packet/packet.ts'
import type { ReadOptions } from './read-flows.ts'
import type { ConnectionFilter, TimeSpec } from './types.ts'

const DAY_NS = 86_400_000_000_000n

/**
 * The filter of `--host --port --between --since --before` as one function, or null when nothing is filtered.
 * Both directions of a connection pass or neither does.
 */
export function packetFilter(
  filter: ConnectionFilter,
  addresses: AddressBook,
  originNs: bigint,
): ((packet: Packet, tNs: number) => boolean) | null {
  const { host, port, between, since, before } = filter
  const from = since === undefined ? null : nsSinceOrigin(since, originNs)
  const to = before === undefined ? null : nsSinceOrigin(before, originNs)
  if (from !== null && to !== null && from >= to) {
    throw new TcpwhyError(
      'BAD_ARGUMENT',
      '--since is not before --before: no packet can be between them',
      'Exchange them, or widen the span.',
    )
  }
  if (host === undefined && port === undefined && between === undefined) {
    if (from === null && to === null) return null
  }
  const text = (word: number, p: Packet) => addresses.format(word, p.family)
  return (p, tNs) => {
    if (from !== null && tNs < from) return false
    if (to !== null && tNs >= to) return false
    if (port !== undefined && p.srcPort !== port && p.dstPort !== port) return false
    if (host !== undefined && text(p.src, p) !== host && text(p.dst, p) !== host) return false
    if (between === undefined) return true
    const src = text(p.src, p)
    const dst = text(p.dst, p)
    const [a, b] = between
    return (src === a && dst === b) || (src === b && dst === a)
  }
}

function nsSinceOrigin(time: TimeSpec, originNs: bigint): number {
  switch (time.is) {
    case 'absolute':
      return Number(time.epochNs - originNs)
    case 'relative':
      return Number(time.ns)
    case 'time-of-day': {
      const ofDay = ((originNs % DAY_NS) + DAY_NS) % DAY_NS
      const difference = time.ns - ofDay
      // Shortly before the first frame is before it; half a day and more is past midnight.
      return Number(difference < -DAY_NS / 2n ? difference + DAY_NS : difference)
    }
  }
}

export type Filter = NonNullable<ReadOptions['filter']>

/** The filter, without the packets that are hidden: what hides them is made anew for each reading. */
export function hiding(
  hiderFor: (addresses: AddressBook) => (packet: Packet, tNs: number) => boolean,
  filter: ReadOptions['filter'],
): Filter {
  return (addresses, originNs) => {
    const inner = filter?.(addresses, originNs) ?? null
    const hides = hiderFor(addresses)
    return (p, tNs) => !hides(p, tNs) && (inner === null || inner(p, tNs))
  }
}
