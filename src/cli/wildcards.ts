import { readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/**
 * The shells of Windows leave `*.pcap` to the program; no file there can have such a name. Elsewhere the shell has done it.
 * @returns the paths, each wildcard in a last part replaced by the names it stands for, sorted; as it was where there are none
 */
export function withoutWildcards(paths: readonly string[], platform: string): string[] {
  if (platform !== 'win32') return [...paths]
  return paths.flatMap((path) => {
    const names = /[*?]/.test(basename(path)) ? namesLike(path) : []
    return names.length === 0 ? [path] : names
  })
}

function namesLike(path: string): string[] {
  const pattern = basename(path).replace(/[.+^${}()|[\]\\]/g, '\\$&')
  const wanted = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'i')
  const names = namesIn(dirname(path)).filter((name) => wanted.test(name))
  return names.sort().map((name) => join(dirname(path), name))
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
