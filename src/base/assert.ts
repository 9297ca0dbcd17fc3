/** A claim about our own program. When it is false the program is wrong and stops with its stack. */
export function assert(claim: unknown, message: string): asserts claim {
  if (!claim) throw new Error(`Assertion failed: ${message}`)
}

/** For the end of a switch over a union: does not compile while a case is missing. */
export function assertNever(value: never): never {
  throw new Error(`Assertion failed: unexpected ${JSON.stringify(value)}`)
}
