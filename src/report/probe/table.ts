import type { Paint } from '../paint.ts'
import { COLUMNS, widthOf, wrap } from '../wrap.ts'

export interface TableLook {
  /** Columns that are flush right. */
  right?: readonly number[]
  indent?: string
  /** How wide lines may be. */
  columns?: number
}

/** A last column of text is wrapped where it stands if it has so much room; else it goes below. */
const LEAST_ROOM = 24
const HANG = '    '

/**
 * Rows under a heading, columns as wide as their widest cell. What does not fit beside the others goes below them, so that no word is
 * broken by the terminal.
 */
export function tableLines(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  look: TableLook = {},
): string[] {
  return tableRows(head, rows, look).flat()
}

/** The same with its heading dimmed. */
export function dimTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { paint, ...look }: TableLook & { paint: Paint },
): string[] {
  const columns = look.columns ?? paint.columns
  const [first = [], ...others] = tableRows(head, rows, { ...look, columns })
  return [...first.map((line) => paint.dim(line)), ...others.flat()]
}

function tableRows(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { right = [], indent = '  ', columns = COLUMNS }: TableLook,
): string[][] {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ''))))
  const words = all.flatMap((row) => (row.at(-1) ?? '').split(' '))
  const least = Math.max(LEAST_ROOM, ...words.map(widthOf))
  const groups = groupsOf(widths, { room: columns - widthOf(indent), least })
  return all.map((row) =>
    groups.flatMap((group, n) => {
      const margin = n === 0 ? indent : indent + HANG
      const last = group.at(-1) ?? 0
      const padded = group.slice(0, -1).map((column) => {
        const cell = row[column] ?? ''
        const space = ' '.repeat(Math.max((widths[column] ?? 0) - widthOf(cell), 0))
        return `${right.includes(column) ? space + cell : cell + space}  `
      })
      const cell = row[last] ?? ''
      const before = margin + padded.join('')
      const space = right.includes(last)
        ? ' '.repeat(Math.max((widths[last] ?? 0) - widthOf(cell), 0))
        : ''
      const lines = wrap(cell, before + space, columns).map((line) => line.trimEnd())
      // Nothing to say below: no empty line.
      return n > 0 && lines.every((line) => line === '') ? [] : lines
    }),
  )
}

/** Which columns stand side by side: as many as fit, the others below. The last one may be wrapped where it has `least`. */
function groupsOf(
  widths: readonly number[],
  { room, least }: { room: number; least: number },
): number[][] {
  const groups: number[][] = []
  let used = Number.POSITIVE_INFINITY
  for (const [column, width] of widths.entries()) {
    const isLast = column === widths.length - 1
    const fits = used + 2 + width <= room || (isLast && used + 2 + least <= room)
    if (fits) {
      groups.at(-1)?.push(column)
      used += 2 + width
    } else {
      groups.push([column])
      used = width + (groups.length > 1 ? HANG.length : 0)
    }
  }
  return groups
}
