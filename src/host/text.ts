/** Lines of a /proc file without the empty ones. */
export function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line.trim() !== '')
}

/** Words between blanks and tabs. */
export function wordsOf(line: string): string[] {
  const trimmed = line.trim()
  return trimmed === '' ? [] : trimmed.split(/\s+/)
}

/** A decimal number as the kernel prints it, or null. Beyond 2^53 it is rounded. */
export function decimal(word: string | undefined): number | null {
  return word !== undefined && /^-?\d{1,20}$/.test(word) ? Number(word) : null
}

/** A hexadecimal number without a prefix, or null. */
export function hexadecimal(word: string | undefined): number | null {
  return word !== undefined && /^[\da-fA-F]{1,16}$/.test(word) ? Number.parseInt(word, 16) : null
}
