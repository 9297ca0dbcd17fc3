import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** What an application said last of its pool, one JSON object a line at the end of its output. */
export function lastPoolLine(path: string): Record<string, number> | null {
  const tail = tailOf(path)
  const lines = tail.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'))
  try {
    return JSON.parse(lines.at(-1) ?? 'null')
  } catch {
    return null
  }
}

const TAIL = 4096

function tailOf(path: string): string {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch {
    return ''
  }
  try {
    const { size } = fstatSync(file)
    const octets = Buffer.alloc(Math.min(TAIL, size))
    readSync(file, octets, 0, octets.length, size - octets.length)
    return octets.toString()
  } finally {
    closeSync(file)
  }
}
