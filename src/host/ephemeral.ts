import type { EphemeralFacts, EphemeralUse, SettingFacts, SocketFact } from './facts.ts'

const MAX_DESTINATIONS = 20

/**
 * Use of the ephemeral range towards each destination: connect() fails with EADDRNOTAVAIL when every port of the range
 * is taken for one pair of local and remote address and remote port.
 * @see Linux net/ipv4/inet_hashtables.c __inet_hash_connect
 */
export function ephemeralUse(
  sockets: readonly SocketFact[],
  settings: SettingFacts,
): EphemeralFacts {
  const range = rangeOf(settings)
  if (range === null) return { range, destinations: [] }
  const served = new Set<number>()
  for (const { state, local } of sockets) if (state === 'LISTEN') served.add(local.port)
  const byDestination = new Map<string, EphemeralUse>()
  for (const { state, local, remote } of sockets) {
    if (state === 'LISTEN' || remote.port === 0 || served.has(local.port)) continue
    if (local.port < range.first || local.port > range.last) continue
    const key = `${local.address} ${remote.address} ${remote.port}`
    const use = byDestination.get(key) ?? first(local.address, remote)
    use.used++
    if (state === 'TIME-WAIT') use.timeWait++
    byDestination.set(key, use)
  }
  const sorted = [...byDestination.values()].sort((a, b) => b.used - a.used)
  return { range, destinations: sorted.slice(0, MAX_DESTINATIONS) }
}

function first(localAddress: string, destination: EphemeralUse['destination']): EphemeralUse {
  return { localAddress, destination, used: 0, timeWait: 0 }
}

function rangeOf({ settings }: SettingFacts): EphemeralFacts['range'] {
  const [low, high] = settings.get('net.ipv4.ip_local_port_range')?.numbers ?? []
  if (low === undefined || high === undefined || low > high) return null
  const reserved = settings.get('net.ipv4.ip_local_reserved_ports')?.value ?? ''
  return { first: low, last: high, ports: high - low + 1 - countWithin(reserved, low, high) }
}

/** "8080,9148-9200": how many of these are within the range. */
function countWithin(list: string, low: number, high: number): number {
  let count = 0
  for (const [, from = '', to = from] of list.matchAll(/(\d{1,5})(?:-(\d{1,5}))?/g)) {
    count += Math.max(0, Math.min(Number(to), high) - Math.max(Number(from), low) + 1)
  }
  return count
}
