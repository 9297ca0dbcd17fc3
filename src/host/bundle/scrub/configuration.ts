/** Longer ones are nobody's, and could take an expression for ever. */
const MAX_LINE = 2000
/** Files that hold limits; their names say nothing of whose they are. */
const PLAIN_NAMES = /\/(nginx\.conf|haproxy\.cfg|postgresql\.conf|postgresql\.auto\.conf)$/

const NAMED_SECTION =
  /^(\s*(?:frontend|listen|backend|peers|resolvers|userlist|mailers|cache))\s+[^\s;]+\s*$/
const UNNAMED_SECTION = /^\s*(?:global|defaults|program|ring|http-errors|log-forward)\b/
const LIMIT =
  /^\s*(?:maxconn|backlog)\s+\d+\s*$|^\s*(?:max_connections|superuser_reserved_connections)\s*=?\s*'?\d+'?\s*$|^\s*default-server\b[\w\s]*$/
const DIRECTIVES = /\b(listen\s+[\d.:[\]a-f*]+|worker_connections\s+\d+)((?=[\s;])[^;]*);/g
/** Of addresses only numbers: a name is somebody's. */
const ADDRESS = '(?:[*\\d.:,[\\]a-f]*:\\d+)'
const BIND = new RegExp(`^\\s*bind\\s+${ADDRESS}(?=\\s|$)`)
const BOUND = /\s(?:backlog|maxconn)\s+\d+/g
const SERVER = new RegExp(`^\\s*server\\s+\\S+\\s+(${ADDRESS})((?:\\s.*)?)$`)
const CHECKS = /(?<=\s)(?:check(?=\s|$)|inter\s+\w+|port\s+\d+)/g

/**
 * Of a program's configuration, which the sieve has been over, what a stranger may read: limits, and where it listens and what it
 * checks by number. Sections and servers lose their names, each line stays in its place.
 * @returns null: nothing of it
 */
export function limitsOnly(path: string, text: string): string | null {
  if (!PLAIN_NAMES.test(path)) return null
  const lines = text.split('\n').map((line, i) => lineOf(line, i + 1))
  return lines.some((line) => line !== '') ? lines.join('\n') : null
}

function lineOf(line: string, number: number): string {
  if (line.length > MAX_LINE) return ''
  const [, section] = NAMED_SECTION.exec(line) ?? []
  if (section !== undefined) return `${section} x${number}`
  if (LIMIT.test(line)) return line
  const [unnamed] = UNNAMED_SECTION.exec(line) ?? []
  if (unnamed !== undefined) return unnamed
  const [bind] = BIND.exec(line) ?? []
  if (bind !== undefined) return bind + (line.match(BOUND) ?? []).join('')
  const [, address, rest = ''] = SERVER.exec(line) ?? []
  if (address !== undefined) {
    return ['  server', `x${number}`, address, ...(rest.match(CHECKS) ?? [])].join(' ')
  }
  return [...line.matchAll(DIRECTIVES)]
    .map(
      ([, directive = '', more = '']) => `${directive}${/\sbacklog=-?\d+/.exec(more)?.[0] ?? ''};`,
    )
    .join(' ')
}
