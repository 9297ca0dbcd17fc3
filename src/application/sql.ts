import { printable } from './stream.ts'

/**
 * A statement that may be shown: every literal is `?`, comments are gone. Where a backslash before a quote makes the end of a
 * literal depend on the server's settings, or a `#` may begin a comment, the rest is left out rather than guessed.
 */
export function withoutLiterals(sql: string, limit = 300): string {
  let out = ''
  let at = 0
  while (at < sql.length && out.length <= limit) {
    const step = nextPiece(sql, at, out)
    out += step.text
    at = step.next
  }
  return printable(out.replace(/\s+/g, ' '), limit)
}

interface Piece {
  text: string
  next: number
}

function nextPiece(sql: string, at: number, before: string): Piece {
  const c = sql[at]!
  if (c === "'" || c === '"') return literal(sql, at, c)
  if (c === '`') return quotedName(sql, at)
  if (c === '$') return dollarQuoted(sql, at)
  if (c === '/' && sql[at + 1] === '*') return upTo(sql, at + 2, '*/')
  if (c === '-' && sql[at + 1] === '-') return upTo(sql, at + 2, '\n')
  if (c === '#') return { text: '…', next: sql.length }
  if (c >= '0' && c <= '9' && !/[\w$]$/.test(before)) return number(sql, at)
  return { text: c, next: at + 1 }
}

function literal(sql: string, at: number, quote: string): Piece {
  let i = at + 1
  while (i < sql.length) {
    if (sql[i] === '\\') return { text: '?…', next: sql.length }
    if (sql[i] === quote) {
      if (sql[i + 1] !== quote) return { text: '?', next: i + 1 }
      i++
    }
    i++
  }
  return { text: '?…', next: sql.length }
}

function quotedName(sql: string, at: number): Piece {
  const end = sql.indexOf('`', at + 1)
  if (end < 0 || end - at > 66) return { text: '?…', next: sql.length }
  return { text: sql.slice(at, end + 1), next: end + 1 }
}

function dollarQuoted(sql: string, at: number): Piece {
  const tag = /^\$\w{0,63}\$/.exec(sql.slice(at, at + 66))?.[0]
  if (tag === undefined) return parameter(sql, at)
  const end = sql.indexOf(tag, at + tag.length)
  return end < 0 ? { text: '?…', next: sql.length } : { text: '?', next: end + tag.length }
}

function parameter(sql: string, at: number): Piece {
  const text = /^\$\d{0,5}/.exec(sql.slice(at, at + 6))?.[0] ?? '$'
  return { text, next: at + text.length }
}

function upTo(sql: string, at: number, end: string): Piece {
  const found = sql.indexOf(end, at)
  return { text: ' ', next: found < 0 ? sql.length : found + end.length }
}

function number(sql: string, at: number): Piece {
  const text = /^[\w.]+/.exec(sql.slice(at, at + 400))?.[0] ?? ''
  return { text: '?', next: at + Math.max(1, text.length) }
}
