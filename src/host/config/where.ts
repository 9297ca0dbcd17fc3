import { type HostFiles, readOrNull } from '../host-files.ts'
import { commandOf, parentOf } from '../process.ts'
import { NGINX_FILES } from './nginx.ts'
import {
  filesUnder,
  optionValues,
  optionWords,
  type ProcessFiles,
  rootsOf,
} from './process-files.ts'

/** What one configuration says; null: there is none here. */
export type ConfigurationOf<T> = (
  files: ProcessFiles,
  words: readonly string[],
  cwd: string,
) => T | null

/** In the first root where there is a configuration. */
export function firstConfiguration<T>(
  host: HostFiles,
  pid: number,
  find: ConfigurationOf<T>,
): T | null {
  const words = wordsOfProcess(host, pid)
  const cwd = readOrNull(host.link(`/proc/${pid}/cwd`)) ?? '/'
  for (const root of rootsOf(host, pid)) {
    const found = find(filesUnder(host, root), words, cwd)
    if (found !== null) return found
  }
  return null
}

/** A worker that calls itself "nginx: worker process" has its parent's options. */
function wordsOfProcess(host: HostFiles, pid: number): string[] {
  const command = commandOf(host, pid)
  const wordsOf = (of: number) =>
    optionWords(command, readOrNull(host.text(`/proc/${of}/cmdline`)) ?? '')
  const own = wordsOf(pid)
  const parent = own.length > 0 ? null : parentOf(host, pid)
  return parent === null || commandOf(host, parent) !== command ? own : wordsOf(parent)
}

/** Where an nginx with these options may have its configuration, the likeliest first. */
export function nginxPaths(words: readonly string[]): string[] {
  const prefix = optionValues(words, '-p').at(-1)
  const given = optionValues(words, '-c').at(-1)
  const paths = given === undefined ? [...NGINX_FILES] : [given]
  // Relative to -p, else to a folder from when it was built.
  const folders =
    prefix === undefined ? ['/etc/nginx', '/usr/share/nginx', '/usr/local/nginx'] : [prefix]
  if (given === undefined && prefix !== undefined) paths.push(`${prefix}/conf/nginx.conf`)
  return paths.flatMap((path) =>
    path.startsWith('/') ? [path] : folders.map((folder) => `${folder}/${path}`),
  )
}

export function haproxyPaths(
  words: readonly string[],
  cwd: string,
  usual: readonly string[],
): string[] {
  const given = optionValues(words, '-f').map((path) =>
    path.startsWith('/') ? path : `${cwd}/${path}`,
  )
  return given.length > 0 ? given : [...usual]
}
