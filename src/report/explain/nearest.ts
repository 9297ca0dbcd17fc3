/**
 * Names like what was typed, nearest first: shared words count, then letters (Levenshtein).
 * @returns at most `limit` names; none when nothing is alike
 */
export function nearest<T extends string>(typed: string, names: readonly T[], limit: number): T[] {
  if (typed === '') return []
  return names
    .map((name) => ({ name, score: likeness(typed, name) }))
    .filter(({ score }) => score >= ALIKE)
    .sort((a, b) => b.score - a.score)
    .slice(0, limit)
    .map(({ name }) => name)
}

const ALIKE = 0.5 // half of the words or of the letters
const MIN_STEM = 3 // letters; fewer only count as the whole word ("gc")
const STEM_SHARE = 0.6 // "que" stands for "queue", "time" not for "timeout"

function likeness(typed: string, name: string): number {
  const letters = 1 - distance(typed, name) / Math.max(typed.length, name.length)
  const words = name.split('-')
  const typedWords = typed.split('-')
  const shared = typedWords.filter((t) => words.some((word) => sameStem(t, word))).length
  // Every typed word found: alike, and the more so the less of the name is missing.
  if (shared === typedWords.length) return Math.max(letters, ALIKE + 0.5 * (shared / words.length))
  return Math.max(letters, shared / Math.max(words.length, typedWords.length))
}

function sameStem(a: string, b: string): boolean {
  if (a === b) return true
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  const enough = short.length >= MIN_STEM && short.length >= STEM_SHARE * long.length
  return enough && long.startsWith(short)
}

/** Insertions, deletions and replacements that turn `a` into `b`. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++) {
      const replace = row[j]! + (a[i] === b[j] ? 0 : 1)
      next.push(Math.min(replace, row[j + 1]! + 1, next[j]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
