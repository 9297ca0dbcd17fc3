/** Width of the terminal report; style.md. */
export const COLUMNS = 100

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u
const COMBINING = /\p{Mark}/u
const ASCII = /^[\x20-\x7e]*$/

/** Terminal columns of a printable text: 2 for wide East Asian characters and emoji, 0 for combining marks. */
export function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length
  let width = 0
  for (const character of text) {
    if (WIDE.test(character)) width += 2
    else if (!COMBINING.test(character)) width += 1
  }
  return width
}

/**
 * Lines of at most `columns`, broken at spaces; words longer than a line are cut. The first line begins with `first`,
 * the others with as many spaces as it is wide.
 */
export function wrap(text: string, first: string, columns = COLUMNS): string[] {
  const hang = ' '.repeat(widthOf(first))
  const room = Math.max(columns - widthOf(first), 20)
  const lines: string[] = []
  let line = ''
  for (const word of words(text, room)) {
    const longer = line === '' ? word : `${line} ${word}`
    if (widthOf(longer) <= room) {
      line = longer
      continue
    }
    lines.push(line)
    line = word
  }
  lines.push(line)
  return lines.map((l, i) => (i === 0 ? first : hang) + l)
}

function* words(text: string, room: number): Iterable<string> {
  for (const word of text.split(' ')) {
    if (word === '') continue
    if (widthOf(word) <= room) yield word
    else yield* pieces(word, room)
  }
}

function* pieces(word: string, room: number): Iterable<string> {
  let piece = ''
  for (const character of word) {
    if (widthOf(piece + character) > room) {
      yield piece
      piece = ''
    }
    piece += character
  }
  if (piece !== '') yield piece
}

/**
 * A shell command over several lines, each but the last ending in a backslash, so that it can still be pasted. Broken
 * only at spaces outside quotes; a longer word stays whole.
 */
export function wrapCommand(command: string, first: string, columns = COLUMNS): string[] {
  const hang = ' '.repeat(widthOf(first) + 2)
  const lines: string[] = []
  let line = first
  let empty = true
  for (const part of shellParts(command)) {
    const longer = empty ? line + part : `${line} ${part}`
    if (empty || widthOf(longer) + 2 <= columns) {
      line = longer
      empty = false
      continue
    }
    lines.push(`${line} \\`)
    line = hang + part
  }
  lines.push(line)
  return lines
}

function shellParts(command: string): string[] {
  return command.match(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\]|["'\\])+/g) ?? [command]
}
