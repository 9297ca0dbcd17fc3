// PostgreSQL 15: src/backend/utils/misc/guc-file.l (configuration files), utils/misc/ps_status.c and tcop/postgres.c (titles).
import type { ConfiguredLimit, DatabaseSession } from '../facts.ts'
import type { ProcessFiles } from './process-files.ts'

export const MAX_CONNECTIONS = 'max_connections'
const RESERVED = 'superuser_reserved_connections'
/** Boot values of guc.c. */
const DEFAULTS = { [MAX_CONNECTIONS]: 100, [RESERVED]: 3 }
const MAX_DEPTH = 8
const MAX_FILES = 300
/** Of a file or a title that may be a stranger's, as much is looked at. */
const MAX_LINE = 1000

export interface PostgresLimits {
  limit: ConfiguredLimit
  reserved: number
}

/**
 * From the main file and what it includes, then postgresql.auto.conf of the data folder, then the command line: later ones win.
 * @param words  options of the command line, see optionWords
 * @param data  its data folder, which it works in
 * @returns null when the main file cannot be read
 */
export function postgresLimits(
  files: ProcessFiles,
  words: readonly string[],
  data: string,
): PostgresLimits | null {
  const main = settingsOfWords(words).get('config_file')?.value ?? `${data}/postgresql.conf`
  const found: Found = new Map()
  const budget = { left: MAX_FILES }
  if (!readInto(found, files, main, { depth: 0, budget })) return null
  readInto(found, files, `${data}/postgresql.auto.conf`, { depth: 0, budget })
  for (const [name, given] of settingsOfWords(words)) found.set(name, given)
  const max = found.get(MAX_CONNECTIONS)
  const numberOf = (name: keyof typeof DEFAULTS) => {
    const given = found.get(name)?.value ?? ''
    return /^\d{1,9}$/.test(given) ? Number(given) : DEFAULTS[name]
  }
  const value = numberOf(MAX_CONNECTIONS)
  const at = { file: max?.file ?? main, line: max?.line ?? null }
  return value > 0
    ? {
        limit: { setting: MAX_CONNECTIONS, value, ports: null, ...at },
        reserved: numberOf(RESERVED),
      }
    : null
}

type Found = Map<string, { value: string; file: string; line: number | null }>

/** "max_connections = 20", "include_dir 'conf.d'" */
const ASSIGNMENT = /^\s*([a-z_]+)\s*(?:=|\s)\s*(?:'([^']*)'|([^\s#']+))/i

/** @param within  how deep in includes, and how many more files may be read: one that includes itself has no end */
function readInto(
  found: Found,
  files: ProcessFiles,
  file: string,
  { depth, budget }: { depth: number; budget: { left: number } },
): boolean {
  const text = depth > MAX_DEPTH || budget.left-- <= 0 ? null : files.text(file)
  if (text === null) return false
  const folder = file.slice(0, file.lastIndexOf('/'))
  const under = (path: string) => (path.startsWith('/') ? path : `${folder}/${path}`)
  for (const [i, line] of text.split('\n').entries()) {
    const [, name = '', quoted, plain = ''] = ASSIGNMENT.exec(line.slice(0, MAX_LINE)) ?? []
    const value = quoted ?? plain
    const key = name.toLowerCase()
    if (key === 'include' || key === 'include_if_exists')
      readInto(found, files, under(value), { depth: depth + 1, budget })
    else if (key === 'include_dir') {
      for (const one of files.glob(`${under(value)}/*.conf`)) {
        readInto(found, files, one, { depth: depth + 1, budget })
      }
    } else if (Object.hasOwn(DEFAULTS, key)) found.set(key, { value, file, line: i + 1 })
  }
  return true
}

/** "-c max_connections=20 -N 20" */
function settingsOfWords(words: readonly string[]): Found {
  const found: Found = new Map()
  const file = 'its command line'
  for (let at = 0; at < words.length; at += 2) {
    const [option, given = ''] = [words[at], words[at + 1]]
    if (option === '-N') found.set(MAX_CONNECTIONS, { value: given, file, line: null })
    const [name = '', value] = given.split('=', 2)
    if (option === '-c' && value !== undefined) found.set(name, { value, file, line: null })
  }
  return found
}

const ACTIVITY = /(\[local\]|(?:[\da-fA-F.:]+(?:%\w+)?)\((\d{1,5})\)) (.+)$/
const IDLE = ['idle in transaction', 'idle'] as const
/** Not yet or no longer a session that runs statements. */
const OTHER = /^(authentication|startup|walsender|waiting for|initializing|notify interrupt)/

/**
 * Of a title only where the client is and whether it does something; the names in it and its command are nobody's business.
 * "postgres: 15/main: app shop 10.0.0.5(51234) idle in transaction" -> { client: 10.0.0.5:51234, activity: 'idle in transaction' }
 * @returns null: a process of the server that has no client
 */
export function sessionOf(title: string): Omit<DatabaseSession, 'pid'> | null {
  if (!title.startsWith('postgres: ')) return null
  const shown = title.slice(0, MAX_LINE).split('\0', 1)[0] ?? ''
  const [, where = '', port, does = ''] = ACTIVITY.exec(shown) ?? []
  if (where === '') return null
  const address = where.replace(/(%\w+)?\(\d+\)$/, '')
  const idle = IDLE.find((word) => does.startsWith(word))
  return {
    client: port === undefined ? null : { address, port: Number(port) },
    activity: idle ?? (OTHER.test(does) ? 'other' : 'active'),
  }
}

/** A title that says no more than sessionOf tells. */
export function plainTitle({ client, activity }: Omit<DatabaseSession, 'pid'>): string {
  const where = client === null ? '[local]' : `${client.address}(${client.port})`
  const does = activity === 'other' ? 'startup' : activity
  return `postgres: ${where} ${does}`
}
