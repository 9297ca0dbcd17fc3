import { plainTitle, sessionOf } from '../config/postgresql.ts'
import { optionWords } from '../config/process-files.ts'
import { CONTAINER_ANNOTATIONS } from '../containers.ts'
import { objectOr } from './json.ts'
import { isOfProgram, textOf } from './reads.ts'

/**
 * What of a file may be kept: of most that the kernel tells all of it, of what may hold secrets only the words that a reader of
 * ours looks at, at their places. null: nothing.
 * @param command  the name of the process that a command line is of
 */
export function sieve(
  path: string,
  octets: Uint8Array,
  command: (pid: number) => string,
): Uint8Array | null {
  if (isOfProgram(path)) return ofProgram(path, octets)
  const pid = /^\/proc\/(\d+)\/cmdline$/.exec(path)?.[1]
  if (pid !== undefined) {
    const text = textOf(octets)
    const session = command(Number(pid)) === 'postgres' ? sessionOf(text) : null
    if (session !== null) return encoded(`${plainTitle(session)}\0`)
    const words = optionWords(command(Number(pid)), text)
    return encoded(words.map((word) => `${word}\0`).join(''))
  }
  if (path.endsWith('/mountinfo')) return encoded(placesOnly(textOf(octets)))
  if (path.endsWith('/syscall')) return encoded(callOnly(textOf(octets)))
  return NEVER.test(path) ? null : octets
}

function ofProgram(path: string, octets: Uint8Array): Uint8Array | null {
  const text = textOf(octets)
  if (/\/(containers|config|config\.v2|state)\.json$|^\/run\/crun\/[^/]+\/status$/.test(path)) {
    return encoded(containerOnly(text))
  }
  if (path.endsWith('/init.pid')) return /^\d+\s*$/.test(text) ? octets : null
  return isConfiguration(path) ? encoded(listensOnly(text)) : null
}

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Environments hold passwords, memory holds everything. */
const NEVER = /\/(auxv|cmdline|environ|maps|mem|numa_maps|pagemap|smaps)$/

/** "43 0x3 0x0 ... 0x7ffd... 0x7f...": number and first argument; the others say where the process lies in memory. */
function callOnly(text: string): string {
  const [call = '', first = ''] = text.trim().split(' ')
  return /^0x[\da-f]{1,8}$/.test(first) ? `${call} ${first} \n` : `${call}\n`
}

/** Where what is mounted, and whether read-only: its source and options may name servers, users and passwords. */
function placesOnly(text: string): string {
  return text
    .split('\n')
    .flatMap((line) => {
      const words = line.split(' ')
      const [id = '', parent = '', device = '', , at = '', options = ''] = words
      const type = words[words.indexOf('-') + 1]
      if (!PLACE.test(at) || type === undefined || !words.includes('-')) return []
      const mode = options.split(',').includes('ro') ? 'ro' : 'rw'
      return [`${id} ${parent} ${device} / ${at} ${mode} - ${type} ? ?\n`]
    })
    .join('')
}

/** Those that the disks reader asks about. */
const PLACE = /^\/(|var|var\/lib|var\/log|var\/tmp|tmp)$/

function isConfiguration(path: string): boolean {
  return /\/(nginx|haproxy|openresty|conf|sites-|vhosts)[^/]*\/|\.(conf|cfg)$/.test(path)
}

/** HAProxy's sections and what decides a backlog in them. */
const HAPROXY =
  /^\s*(global|defaults|frontend|listen|backend|peers|resolvers|userlist|mailers|cache|program|ring|http-errors|log-forward|bind|backlog|maxconn)\b[^;{}]*$/
/** A container's configuration is a stranger's: on longer lines an expression could take for ever. */
const MAX_LINE = 2000
/** Of its servers the address, and whether and how often they are checked. */
const HAPROXY_SERVER = /^(\s*(?:server\s+\S+\s+\S+|default-server))\b([^;{}]*)$/
/** nginx's directives that say where it listens, how many it takes, and where more of them are. */
const NGINX = /(?:^|[;{}])\s*((?:listen|include|worker_connections)\s[^;{}#]*;)/g
/** PostgreSQL's. */
const POSTGRESQL =
  /^\s*(max_connections|superuser_reserved_connections|include|include_if_exists|include_dir)\b\s*=?\s*('[^']*'|[\w./-]+)\s*$/

/** The lines that say where a program listens, each in its own place; the others are empty. */
function listensOnly(text: string): string {
  return text
    .split('\n')
    .map((line) => {
      const plain = line.replace(/(^|\s)#.*$/, '$1')
      const directives = [...plain.matchAll(NGINX)].map(([, directive]) => directive)
      if (directives.length > 0) return directives.join(' ')
      if (plain.length > MAX_LINE) return ''
      if (HAPROXY.test(plain) || POSTGRESQL.test(plain)) return plain.trimEnd()
      const [, server, options = ''] = HAPROXY_SERVER.exec(plain) ?? []
      return server === undefined ? '' : [server, ...checksOnly(options)].join(' ')
    })
    .join('\n')
}

/** " check inter 2s port 81 cookie x" -> ["check", "inter 2s", "port 81"] */
function checksOnly(options: string): string[] {
  const found = options.matchAll(/(?<=\s)(check(?=\s|$)|inter\s+\w+|port\s+\d+)/g)
  return [...found].map(([words]) => words)
}

/** Of a runtime's file on its containers: ids, names and first processes. Their environment stands there too. */
function containerOnly(text: string): string {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return ''
  }
  const kept = Array.isArray(json) ? json.map(containerOf) : containerOf(json)
  return `${JSON.stringify(kept)}\n`
}

const MEMBERS = ['id', 'names', 'Name', 'hostname', 'pid', 'init_process_pid'] as const

function containerOf(value: unknown): Record<string, unknown> {
  const json = objectOr(value) ?? {}
  const kept: Record<string, unknown> = {}
  for (const name of MEMBERS) if (json[name] !== undefined) kept[name] = plain(json[name])
  const pid = objectOr(json['State'])?.['Pid']
  if (typeof pid === 'number') kept['State'] = { Pid: pid }
  const hostName = objectOr(json['Config'])?.['Hostname']
  if (typeof hostName === 'string') kept['Config'] = { Hostname: hostName }
  const named = Object.entries(objectOr(json['annotations']) ?? {}).filter(([key]) =>
    CONTAINER_ANNOTATIONS.includes(key),
  )
  if (named.length > 0) kept['annotations'] = Object.fromEntries(named)
  return kept
}

/** Words and numbers: whatever is nested may be anything. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((one) => typeof one === 'string')
  return typeof value === 'string' || typeof value === 'number' ? value : undefined
}
