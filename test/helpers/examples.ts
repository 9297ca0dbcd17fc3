import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { root, tcpwhy } from './built.ts'

// An example in a page is a block of ```console: commands behind "$ ", each followed by what it prints. "..." on a line of its
// own stands for any number of lines that the page leaves out.

export interface Example {
  /** Words after `tcpwhy`. */
  command: string
  shown: string[]
}

/** Paths below the checkout of every page people read: README.md, CONTRIBUTING.md and docs/. */
export function pages(): string[] {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(root, 'docs', name))
  return [join(root, 'README.md'), join(root, 'CONTRIBUTING.md'), ...docs]
    .map((path) => relative(root, path))
    .sort()
}

export function pageText(page: string): string {
  return readFileSync(join(root, page), 'utf8')
}

export function examplesOf(text: string): Example[] {
  return [...text.matchAll(/^```console\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) =>
    block
      .split(/^\$ /m)
      .filter((part) => part.trim() !== '')
      .map((part) => {
        const [command = '', ...shown] = part.trimEnd().split('\n')
        return { command: command.replace(/^tcpwhy /, ''), shown }
      }),
  )
}

/** Commands of ```sh blocks: not run, because their files are the reader's, but they must be understood. */
export function commandsOf(text: string): string[] {
  return [...text.matchAll(/^```(?:sh|bash)\n([\s\S]*?)^```$/gm)]
    .flatMap(([, block = '']) => block.split('\n'))
    .flatMap((line) => line.split(' | '))
    .map((part) => part.trim().replace(/ +# .*$/, ''))
    .filter((part) => part.startsWith('tcpwhy '))
    .map((part) => part.slice('tcpwhy '.length).replace(/ >.*$/, ''))
}

/** Words as a shell would split them; quotes, but no variables or escapes: the pages use none. */
export function words(command: string): string[] {
  return (command.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).map((w) => w.replace(/^(['"])(.*)\1$/, '$2'))
}

export function outputOf({ command }: Example): string[] {
  return tcpwhy(words(command)).text.trimEnd().split('\n')
}

/** What the page should show: the lines of `output`, with the page's own "..." where it leaves lines out. */
export function matches(shown: readonly string[], output: readonly string[]): boolean {
  const parts = splitAt(shown, '...')
  let at = 0
  for (const [i, part] of parts.entries()) {
    const found = i === 0 ? 0 : indexOf(output, part, at, i === parts.length - 1)
    if (found < 0 || !part.every((line, k) => output[found + k] === line)) return false
    at = found + part.length
  }
  return shown.at(-1) === '...' || at === output.length
}

function splitAt(lines: readonly string[], mark: string): string[][] {
  const parts: string[][] = [[]]
  for (const line of lines) {
    if (line === mark) parts.push([])
    else parts.at(-1)!.push(line)
  }
  return parts
}

function indexOf(
  lines: readonly string[],
  part: readonly string[],
  from: number,
  atEnd: boolean,
): number {
  if (part.length === 0) return from
  if (atEnd) return lines.length - part.length >= from ? lines.length - part.length : -1
  for (let at = from; at + part.length <= lines.length; at++) {
    if (part.every((line, k) => lines[at + k] === line)) return at
  }
  return -1
}
