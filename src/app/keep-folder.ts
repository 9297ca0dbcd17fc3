import { cpSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { TcpwhyError } from '../base/errors.ts'

/**
 * A folder and those above it. Not by `recursive`: Node 20 and 22 never return from that where a file system takes no
 * folders (/proc, /sys).   @throws TcpwhyError OUTPUT_UNWRITABLE
 */
export function makeFolder(folder: string): void {
  const missing: string[] = []
  let above = resolve(folder)
  while (!existsSync(above)) {
    missing.push(above)
    above = dirname(above)
  }
  writing(folder, () => {
    if (!statSync(above).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' })
    for (const path of missing.reverse()) mkdirSync(path)
  })
}

/** @throws TcpwhyError OUTPUT_UNWRITABLE */
export function keepText(path: string, text: string): void {
  writing(path, () => writeFileSync(path, text))
}

/** @throws TcpwhyError OUTPUT_UNWRITABLE */
export function keepFiles(from: string, to: string, filter: (path: string) => boolean): void {
  makeFolder(to)
  writing(to, () => cpSync(from, to, { recursive: true, filter }))
}

function writing(path: string, act: () => void): void {
  try {
    act()
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message
    const todo = 'Check the folder of --keep, its permissions and free space.'
    throw new TcpwhyError('OUTPUT_UNWRITABLE', `Cannot write ${path} (${code})`, todo, { cause })
  }
}
