import { curlErrors } from './errors/curl.ts'
import { databaseErrors } from './errors/databases.ts'
import { errnoErrors } from './errors/errno.ts'
import { goErrors } from './errors/go.ts'
import { javaErrors } from './errors/java.ts'
import { kernelErrors } from './errors/kernel.ts'
import { nodeErrors } from './errors/node.ts'
import type { ErrorPattern } from './errors/pattern.ts'
import { platformErrors } from './errors/platforms.ts'
import { proxyErrors } from './errors/proxies.ts'
import { pythonErrors } from './errors/python.ts'

export type { ErrorPattern, Wire } from './errors/pattern.ts'

/** Most specific tables first; plain errno names last. */
export const errorPatterns: readonly ErrorPattern[] = [
  ...kernelErrors,
  ...databaseErrors,
  ...proxyErrors,
  ...goErrors,
  ...nodeErrors,
  ...javaErrors,
  ...platformErrors,
  ...pythonErrors,
  ...curlErrors,
  ...errnoErrors,
]

export const MAX_LINE = 8192 // characters of a pasted text that are looked at; a long stack trace fits

interface Hit {
  pattern: ErrorPattern
  from: number
  to: number
}

/** Patterns found in a pasted line, best first: by rank, then the longest match; none that lies within a better one. */
export function matchErrors(text: string): ErrorPattern[] {
  const line = flatten(text)
  const hits = errorPatterns.flatMap((pattern): Hit[] => {
    const match = pattern.match.exec(line)
    if (match === null) return []
    return [{ pattern, from: match.index, to: match.index + match[0].length }]
  })
  const hidden = new Set(hits.flatMap(({ pattern }) => pattern.hides ?? []))
  const shown = hits.filter(({ pattern }) => !hidden.has(pattern.id))
  shown.sort((a, b) => rankOf(a) - rankOf(b) || lengthOf(b) - lengthOf(a)) // stable: else the tables' order
  return shown
    .filter((hit, at) => !shown.slice(0, at).some((better) => covers(better, hit)))
    .map((h) => h.pattern)
}

/** One line, bounded: a stack trace pasted over several lines is searched as a whole. */
export function flatten(text: string): string {
  return text.slice(0, MAX_LINE).replace(/\s+/g, ' ').trim()
}

function rankOf({ pattern }: Hit): number {
  return pattern.rank ?? 0
}

function lengthOf({ from, to }: Hit): number {
  return to - from
}

function covers(outer: Hit, inner: Hit): boolean {
  return outer.from <= inner.from && inner.to <= outer.to
}
