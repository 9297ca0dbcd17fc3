/** Items under their key, in the order they came. Map.groupBy came with Node 21. */
export function groupBy<T>(items: Iterable<T>, key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const k = key(item)
    const known = groups.get(k)
    if (known === undefined) groups.set(k, [item])
    else known.push(item)
  }
  return groups
}
