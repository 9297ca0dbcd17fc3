import { type HostFiles, readOrNull } from '../host-files.ts'
import { parentOf } from '../process.ts'

/** Files as a process sees them: its own root, links followed within it, so that nothing of another root is read. */
export interface ProcessFiles {
  text(path: string): string | null
  /** Paths that a pattern with * in its parts means, sorted. */
  glob(pattern: string): string[]
}

const MAX_LINKS = 40
const MAX_FILE = 1_000_000
const MAX_MATCHES = 500

/** @param root  '' or /proc/77/root */
export function filesUnder(host: HostFiles, root: string): ProcessFiles {
  const text = (path: string): string | null => {
    const real = resolved(host, root, path)
    if (real === null || (readOrNull(host.size(root + real)) ?? 0) > MAX_FILE) return null
    return readOrNull(host.text(root + real))
  }
  const glob = (pattern: string): string[] => {
    let paths = ['']
    for (const part of partsOf(pattern)) {
      const at = (path: string) => resolved(host, root, path === '' ? '/' : path)
      paths = paths
        .flatMap((path) => {
          if (!part.includes('*')) return [`${path}/${part}`]
          const folder = at(path)
          const names = folder === null ? [] : (readOrNull(host.names(root + folder)) ?? [])
          return names.filter((name) => matches(name, part)).map((name) => `${path}/${name}`)
        })
        .slice(0, MAX_MATCHES)
    }
    return paths.sort()
  }
  return { text, glob }
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.')
}

/** Without a regular expression from a file: * stands for anything, but not for a dot at the beginning. */
function matches(name: string, pattern: string): boolean {
  const pieces = pattern.split('*')
  if (name.startsWith('.') && !pattern.startsWith('.')) return false
  let at = 0
  for (const [i, piece] of pieces.entries()) {
    const isLast = i === pieces.length - 1
    const found = isLast && i > 0 ? name.length - piece.length : name.indexOf(piece, at)
    if (found < at || !name.startsWith(piece, found) || (i === 0 && found !== 0)) return false
    at = found + piece.length
  }
  return at === name.length
}

/** The path without links, or null when they lead in a circle. A link to /etc/x means that of the process's root. */
function resolved(host: HostFiles, root: string, path: string): string | null {
  let rest = partsOf(path)
  let done: string[] = []
  for (let links = 0; rest.length > 0; ) {
    const [part = '', ...more] = rest
    rest = more
    if (part === '..') {
      done = done.slice(0, -1)
      continue
    }
    const target = readOrNull(host.link(`${root}/${[...done, part].join('/')}`))
    if (target === null) {
      done = [...done, part]
      continue
    }
    if (++links > MAX_LINKS) return null
    if (target.startsWith('/')) done = []
    rest = [...partsOf(target), ...rest]
  }
  return `/${done.join('/')}`
}

/** Where a process's configuration may be: its root, that of its parent (a worker is often in a chroot), ours if shared. */
export function rootsOf(host: HostFiles, pid: number): string[] {
  const parent = parentOf(host, pid)
  const roots = [`/proc/${pid}/root`, ...(parent === null ? [] : [`/proc/${parent}/root`])]
  const own = readOrNull(host.link('/proc/self/ns/mnt'))
  const shared = own !== null && own === readOrNull(host.link(`/proc/${pid}/ns/mnt`))
  return shared ? [...roots, ''] : roots
}

/** Whose command lines are looked at, and for which options: those that say where the configuration is, or a name. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  conmon: ['-c', '-n'],
  haproxy: ['-f'],
  nginx: ['-c', '-p'],
  postgres: ['-D', '-N', '-c'],
}

/** Of options that set anything, these. */
const VALUES: Readonly<Record<string, RegExp>> = {
  postgres: /^(config_file=.*|(max|superuser_reserved)_connections=\d+)$/,
}

/**
 * Of a command line only these options with their values: command lines hold secrets, so nothing else of one goes on, and
 * nothing of other programs'. "nginx: master process nginx -c /x/nginx.conf -g secret" -> ["-c", "/x/nginx.conf"]
 * @param command  /proc/PID/comm
 * @param cmdline  /proc/PID/cmdline, words ended by zeros; a program that names itself anew puts blanks
 */
export function optionWords(command: string, cmdline: string): string[] {
  const options = Object.hasOwn(OPTIONS, command) ? OPTIONS[command]! : []
  const words = cmdline.split(/[\0 ]+/)
  const kept: string[] = []
  for (const [at, word] of words.entries()) {
    const next = words[at + 1]
    if (!options.includes(word) || next === undefined || next === '' || next.startsWith('-'))
      continue
    if (word === '-c' && Object.hasOwn(VALUES, command) && !VALUES[command]!.test(next)) continue
    kept.push(word, next)
  }
  return kept
}

/** The values of one option among such words. */
export function optionValues(words: readonly string[], option: string): string[] {
  return words.flatMap((word, at) => (word === option ? [words[at + 1] ?? ''] : []))
}
