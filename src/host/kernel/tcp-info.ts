// Linux include/uapi/linux/tcp.h struct tcp_info, v6.18: fields are only ever added at the end, so that a shorter
// structure of an older kernel is the beginning of this one.

/** Octets of each field, in order. Bit fields are one entry each with their byte. */
const U8 = [
  'tcpi_state',
  'tcpi_ca_state',
  'tcpi_retransmits',
  'tcpi_probes',
  'tcpi_backoff',
  'tcpi_options',
] as const

const U32_FROM_8 = [
  'tcpi_rto',
  'tcpi_ato',
  'tcpi_snd_mss',
  'tcpi_rcv_mss',
  'tcpi_unacked',
  'tcpi_sacked',
  'tcpi_lost',
  'tcpi_retrans',
  'tcpi_fackets',
  'tcpi_last_data_sent',
  'tcpi_last_ack_sent',
  'tcpi_last_data_recv',
  'tcpi_last_ack_recv',
  'tcpi_pmtu',
  'tcpi_rcv_ssthresh',
  'tcpi_rtt',
  'tcpi_rttvar',
  'tcpi_snd_ssthresh',
  'tcpi_snd_cwnd',
  'tcpi_advmss',
  'tcpi_reordering',
  'tcpi_rcv_rtt',
  'tcpi_rcv_space',
  'tcpi_total_retrans',
] as const

const REST = [
  ['tcpi_pacing_rate', 8],
  ['tcpi_max_pacing_rate', 8],
  ['tcpi_bytes_acked', 8],
  ['tcpi_bytes_received', 8],
  ['tcpi_segs_out', 4],
  ['tcpi_segs_in', 4],
  ['tcpi_notsent_bytes', 4],
  ['tcpi_min_rtt', 4],
  ['tcpi_data_segs_in', 4],
  ['tcpi_data_segs_out', 4],
  ['tcpi_delivery_rate', 8],
  ['tcpi_busy_time', 8],
  ['tcpi_rwnd_limited', 8],
  ['tcpi_sndbuf_limited', 8],
  ['tcpi_delivered', 4],
  ['tcpi_delivered_ce', 4],
  ['tcpi_bytes_sent', 8],
  ['tcpi_bytes_retrans', 8],
  ['tcpi_dsack_dups', 4],
  ['tcpi_reord_seen', 4],
  ['tcpi_rcv_ooopack', 4],
  ['tcpi_snd_wnd', 4],
  ['tcpi_rcv_wnd', 4],
  ['tcpi_rehash', 4],
  ['tcpi_total_rto', 2],
  ['tcpi_total_rto_recoveries', 2],
  ['tcpi_total_rto_time', 4],
  ['tcpi_received_ce', 4],
  ['tcpi_delivered_e1_bytes', 4],
  ['tcpi_delivered_e0_bytes', 4],
  ['tcpi_delivered_ce_bytes', 4],
  ['tcpi_received_e1_bytes', 4],
  ['tcpi_received_e0_bytes', 4],
  ['tcpi_received_ce_bytes', 4],
  // The last four octets (accurate ECN) were divided anew after 6.18, so they are left alone.
] as const

const BITS = ['tcpi_snd_wscale', 'tcpi_rcv_wscale', 'tcpi_delivery_rate_app_limited'] as const

export type TcpInfoField =
  | (typeof U8)[number]
  | (typeof BITS)[number]
  | (typeof U32_FROM_8)[number]
  | (typeof REST)[number][0]

/** Only the fields that the kernel's structure is long enough to have: rtt and rttvar in us, ages in ms, rto and ato in us. */
export type TcpInfo = Partial<Record<TcpInfoField, number>>

interface Place {
  name: TcpInfoField
  at: number
  size: 1 | 2 | 4 | 8
}

const PLACES: readonly Place[] = placesOf()

function placesOf(): Place[] {
  const places: Place[] = U8.map((name, at) => ({ name, at, size: 1 }))
  let at = 8
  const sized: (readonly [TcpInfoField, 2 | 4 | 8])[] = U32_FROM_8.map((name) => [name, 4])
  for (const [name, size] of [...sized, ...REST]) {
    places.push({ name, at, size })
    at += size
  }
  return places
}

/** All fields that are there. 64-bit ones are rounded above 2^53. @param octets struct tcp_info, of any length. */
export function decodeTcpInfo(octets: Uint8Array, littleEndian: boolean): TcpInfo {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  const info: TcpInfo = {}
  for (const place of PLACES) {
    if (place.at + place.size <= octets.length)
      info[place.name] = numberAt(view, place, littleEndian)
  }
  if (octets.length > 6) {
    // Two 4-bit fields: C compilers begin at the low end on little-endian machines, at the high end on the others.
    const low = octets[6]! & 15
    const high = octets[6]! >>> 4
    info.tcpi_snd_wscale = littleEndian ? low : high
    info.tcpi_rcv_wscale = littleEndian ? high : low
  }
  if (octets.length > 7) {
    info.tcpi_delivery_rate_app_limited = littleEndian ? octets[7]! & 1 : octets[7]! >>> 7
  }
  return info
}

const placeOf: ReadonlyMap<TcpInfoField, Place> = new Map(
  PLACES.map((place) => [place.name, place]),
)

/** One field without decoding the others; null when this kernel's structure ends before it. */
export function tcpInfoField(
  octets: Uint8Array,
  name: Exclude<TcpInfoField, (typeof BITS)[number]>,
  littleEndian: boolean,
): number | null {
  const place = placeOf.get(name)
  if (place === undefined || place.at + place.size > octets.length) return null
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  return numberAt(view, place, littleEndian)
}

function numberAt(view: DataView, { at, size }: Place, littleEndian: boolean): number {
  if (size === 1) return view.getUint8(at)
  if (size === 2) return view.getUint16(at, littleEndian)
  if (size === 4) return view.getUint32(at, littleEndian)
  return Number(view.getBigUint64(at, littleEndian))
}
