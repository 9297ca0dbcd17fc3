// What comes from a capture, a log or a command line is hostile: nothing of it may steer a terminal or reorder a line.
// C0, DEL, C1, soft hyphen, bidi controls (Unicode TR 9), zero-width and line separators, tags, unpaired surrogates.
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Surrogate}/gu

// Nearly all text is this, and is told ten times faster than by the list above (--all writes gigabytes).
const PLAIN_LINE = /^[\x20-\x7e]*$/
const PLAIN = /^[\x20-\x7e\n]*$/

/** The text with everything that is not visible written out: "\x1b[31m", "\u202e". One line in, one line out. */
export function printable(text: string): string {
  if (PLAIN_LINE.test(text)) return text
  return text.replace(UNSAFE, escapeOne)
}

function escapeOne(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, '0')}`
  return `\\u{${code.toString(16)}}`
}

/** JSON text in which no control or bidi character is left as itself (JSON.stringify leaves C1, DEL and bidi alone). */
export function jsonText(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent)
  if (PLAIN.test(text)) return text
  return text.replace(UNSAFE, (character) => {
    // The line feeds are ours: inside strings JSON.stringify has escaped them.
    if (character === '\n') return character
    return Array.from({ length: character.length }, (_, i) => unit(character, i)).join('')
  })
}

function unit(character: string, index: number): string {
  return `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`
}
