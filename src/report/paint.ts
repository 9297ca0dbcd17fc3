// Colours by ECMA-48 8.3.117 SGR codes. Six of them: a library's import costs 6 ms of a 70 ms start (picocolors 1.1.1
// asks process.stdout whether it is a terminal; measured, Node 20).

import { COLUMNS } from './wrap.ts'

export interface Paint {
  /** How wide lines may be. */
  columns: number
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
  cyan(text: string): string
}

/** Paints text that has no escapes of its own (see printable.ts); without `color` it stays as it is. */
export function paintFor(color: boolean, columns = COLUMNS): Paint {
  const sgr = (on: number, off: number) => (text: string) =>
    color && text !== '' ? `\x1b[${on}m${text}\x1b[${off}m` : text
  return {
    columns,
    bold: sgr(1, 22),
    dim: sgr(2, 22),
    red: sgr(31, 39),
    green: sgr(32, 39),
    yellow: sgr(33, 39),
    cyan: sgr(36, 39),
  }
}
