/** Fields that sockets of netlink decode when they are asked for: no own members, so no equality looks at them. */
const DECODED = [
  'cookie',
  'idiag_if',
  'tcpInfo',
  'skmem',
  'congestionControl',
  'shutdown',
  'v6only',
  'mark',
  'cgroupId',
] as const

/** Facts as plain data, for toEqual: maps as lists, and what sockets decode late decoded. */
export function comparable(value: unknown): unknown {
  if (value instanceof Map) return [...value].map(([key, one]) => [key, comparable(one)])
  if (Array.isArray(value)) return value.map(comparable)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  const given = value as Record<string, unknown>
  const isDecoded = Object.getPrototypeOf(value) !== Object.prototype
  const names = [...Object.keys(given), ...(isDecoded ? DECODED : [])]
  return Object.fromEntries(names.map((name) => [name, comparable(given[name])]))
}
