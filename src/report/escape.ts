import { printable } from './printable.ts'

/** Text that Markdown (CommonMark, GitHub, GitLab) shows as it is: no markup, no HTML, nobody mentioned. One line. */
export function markdownText(text: string): string {
  return (
    printable(text)
      .replace(/[\\`*[\]<|~$]/g, '\\$&')
      // Inside a word an underscore is only itself: net.ipv4.tcp_abort_on_overflow stays readable.
      .replace(/(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, '\\_')
      .replace(/&(?=#?\w+;)/g, '&amp;')
      // "@name" tells people, wherever it stands but in code.
      .replace(/@(?=\w)/g, '`@`')
      .replace(/^(?:[-+>]|#{1,6}|\d{1,9}[.)])(?=\s|$)|^>/, escapeLast)
  )
}

/** What would begin a list, heading or quotation: "- ", "#", "1. ", ">"; its last character is the one to escape. */
function escapeLast(start: string): string {
  return `${start.slice(0, -1)}\\${start.slice(-1)}`
}

/** A code span; its fence is longer than any run of backticks inside. */
export function markdownCode(text: string): string {
  const inside = printable(text)
  const fence = '`'.repeat(longestRun(inside) + 1)
  const pad = inside.startsWith('`') || inside.endsWith('`') ? ' ' : ''
  return fence + pad + inside + pad + fence
}

/** A fenced block of a shell command, each line after `margin`. */
export function markdownBlock(command: string, margin: string): string {
  const inside = printable(command)
  const fence = '`'.repeat(Math.max(longestRun(inside) + 1, 3))
  return `${margin}${fence}sh\n${margin}${inside}\n${margin}${fence}\n`
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length))
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text for HTML, in elements and in quoted attributes. */
export function htmlText(text: string): string {
  return printable(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}
