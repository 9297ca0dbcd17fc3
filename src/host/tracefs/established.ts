// Linux include/trace/events/sock.h inet_sock_set_state, v4.16 to v6.18.
import { formatIpv4, formatIpv6 } from '../../base/addresses.ts'
import type { EstablishedFacts } from '../events.ts'
import type { Endpoint } from '../facts.ts'
import type { TraceField, TraceFormat } from './format.ts'

/** A handshake ended at a listener: SYN-RECEIVED to ESTABLISHED (include/net/tcp_states.h). */
export const ESTABLISHED_FILTER = '(newstate == 1 && oldstate == 3)'
const FROM = 3
const TO = 1
const AF_INET6 = 10

/** A transparent proxy has as many local addresses as there are; a server has few. */
const MAX_ENDS = 4_096

/**
 * Counts the handshakes that ended at each local address and port. There are as many of these events as connections, so
 * nothing else is made of them: no event is kept, and no field but these is decoded.
 */
export class EstablishedTally {
  private readonly ends = new Map<string, { local: Endpoint; count: number }>()
  private readonly fields: Fields | null
  private readonly littleEndian: boolean
  /** Events before and after are another time's. */
  private fromNs: bigint | null = null
  private untilNs: bigint | null = null
  private all = 0
  private unlisted = 0

  constructor(format: TraceFormat | undefined, littleEndian: boolean) {
    this.fields = format === undefined ? null : fieldsOf(format)
    this.littleEndian = littleEndian
  }

  get counted(): number {
    return this.all
  }

  between(fromNs: bigint | null, untilNs: bigint | null): void {
    this.fromNs = fromNs
    this.untilNs = untilNs
  }

  /** @returns whether the record, of the event that the format is of, was one: it says nothing else */
  take(timeNs: bigint, record: Uint8Array, view: DataView): boolean {
    const { fields, littleEndian } = this
    if (fields === null || record.length < fields.length) return false
    if (view.getInt32(fields.newstate, littleEndian) !== TO) return false
    if (view.getInt32(fields.oldstate, littleEndian) !== FROM) return false
    if (this.isWithin(timeNs)) this.count(view, fields)
    return true
  }

  facts(): EstablishedFacts['ends'] {
    return [...this.ends.values()]
  }

  /** Of ends that there was no room for. */
  get left(): number {
    return this.unlisted
  }

  private isWithin(timeNs: bigint): boolean {
    const { fromNs, untilNs } = this
    return (fromNs === null || timeNs >= fromNs) && (untilNs === null || timeNs <= untilNs)
  }

  private count(view: DataView, { sport, family, v4, v6 }: Fields): void {
    this.all++
    const port = view.getUint16(sport, this.littleEndian)
    const wide = view.getUint16(family, this.littleEndian) === AF_INET6 && !isMapped(view, v6)
    const key = wide
      ? `${view.getUint32(v6)} ${view.getUint32(v6 + 4)} ${view.getUint32(v6 + 8)} ${view.getUint32(v6 + 12)} ${port}`
      : `${view.getUint32(v4)} ${port}`
    const known = this.ends.get(key)
    if (known !== undefined) known.count++
    else if (this.ends.size >= MAX_ENDS) this.unlisted++
    else {
      const address = wide
        ? formatIpv6([0, 4, 8, 12].map((at) => view.getInt32(v6 + at)))
        : formatIpv4(view.getInt32(v4))
      this.ends.set(key, { local: { address, port }, count: 1 })
    }
  }
}

interface Fields {
  newstate: number
  oldstate: number
  sport: number
  family: number
  v4: number
  v6: number
  /** A record is at least that long. */
  length: number
}

const SIZES = { newstate: 4, oldstate: 4, sport: 2, family: 2, saddr: 4, saddr_v6: 16 } as const

function fieldsOf(format: TraceFormat): Fields | null {
  const found = (name: keyof typeof SIZES): TraceField | undefined =>
    format.fields.find((field) => field.name === name && field.size === SIZES[name])
  const [newstate, oldstate, sport] = [found('newstate'), found('oldstate'), found('sport')]
  const [family, v4, v6] = [found('family'), found('saddr'), found('saddr_v6')]
  if (!newstate || !oldstate || !sport || !family || !v4 || !v6) return null
  const all = [newstate, oldstate, sport, family, v4, v6]
  return {
    newstate: newstate.offset,
    oldstate: oldstate.offset,
    sport: sport.offset,
    family: family.offset,
    v4: v4.offset,
    v6: v6.offset,
    length: Math.max(...all.map(({ offset, size }) => offset + size)),
  }
}

/** ::ffff:0:0/96, RFC 4291 2.5.5.2. */
function isMapped(view: DataView, at: number): boolean {
  return (
    view.getUint32(at) === 0 && view.getUint32(at + 4) === 0 && view.getUint32(at + 8) === 0xffff
  )
}
