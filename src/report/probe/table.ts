import type { Paint } from '../paint.ts'
import { widthOf } from '../wrap.ts'

/** Rows under a heading, columns as wide as their widest cell; columns named in `right` are flush right. */
export function tableLines(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { right = [], indent = '  ' }: { right?: readonly number[]; indent?: string } = {},
): string[] {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ''))))
  return all.map((row) =>
    (
      indent +
      widths
        .map((width, column) => {
          const cell = row[column] ?? ''
          const space = ' '.repeat(Math.max(width - widthOf(cell), 0))
          return right.includes(column) ? space + cell : cell + space
        })
        .join('  ')
    ).trimEnd(),
  )
}

export function dimHead([head = '', ...rows]: readonly string[], paint: Paint): string[] {
  return [paint.dim(head), ...rows]
}
