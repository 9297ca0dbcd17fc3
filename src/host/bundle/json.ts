/** Parts of JSON that somebody else wrote, looked at before they are believed. */

export type JsonObject = { readonly [name: string]: unknown }

export function parseObject(text: string): JsonObject | null {
  try {
    return objectOr(JSON.parse(text))
  } catch {
    return null
  }
}

export function objectOr(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : null
}

export function stringOr<T>(value: unknown, otherwise: T): string | T {
  return typeof value === 'string' ? value : otherwise
}

export function numberOr<T>(value: unknown, otherwise: T): number | T {
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise
}

export function listOr(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** The entries whose value passes, in their order; an object has its own members only, whatever they are called. */
export function entriesOf<T>(value: unknown, as: (value: unknown) => T | null): Map<string, T> {
  const found = new Map<string, T>()
  for (const [name, member] of Object.entries(objectOr(value) ?? {})) {
    const passed = as(member)
    if (passed !== null) found.set(name, passed)
  }
  return found
}

export function bigOr(value: unknown): bigint | null {
  return typeof value === 'string' && /^-?\d{1,30}$/.test(value) ? BigInt(value) : null
}
