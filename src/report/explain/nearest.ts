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
const MIN_STEM = 3 // "acc" is not yet "accept"; "syn" is a word

function likeness(typed: string, name: string): number {
  const letters = 1 - distance(typed, name) / Math.max(typed.length, name.length)
  const words = name.split('-')
  const typedWords = typed.split('-').filter((word) => word.length >= MIN_STEM)
  const shared = words.filter((word) => typedWords.some((t) => sameStem(t, word))).length
  return Math.max(letters, shared / Math.max(words.length, typedWords.length))
}

function sameStem(a: string, b: string): boolean {
  return b.length >= MIN_STEM && (a.startsWith(b) || b.startsWith(a))
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
