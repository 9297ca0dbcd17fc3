// HAProxy 2.6: doc/configuration.txt (bind, backlog, maxconn), include/haproxy/listener.h listener_backlog().
import type { ConfiguredCheck, ConfiguredLimit, ConfiguredListen } from '../facts.ts'
import type { ProcessFiles } from './process-files.ts'

export const HAPROXY_FILES = ['/etc/haproxy/haproxy.cfg', '/usr/local/etc/haproxy/haproxy.cfg']

/** When neither backlog nor maxconn is said anywhere. */
const DEFAULT_BACKLOG = 1024

interface Limit {
  value: number
  name: string
  file: string
  line: number
}

interface Section {
  kind: string
  name: string
  /** `inter` of default-server, ms. */
  inter: number | null
  servers: { words: string[]; file: string; line: number }[]
  backlog: Limit | null
  maxconn: Limit | null
  binds: Bind[]
}

interface Bind {
  addresses: string[]
  backlog: Limit | null
  maxconn: Limit | null
  file: string
  line: number
}

/** All `bind` lines with what decides their backlog. @returns null when no file can be read */
export function haproxyListens(
  files: ProcessFiles,
  paths: readonly string[],
): ConfiguredListen[] | null {
  const found: ConfiguredListen[] = []
  let global: Limit | null = null
  let defaults: Section | null = null
  const sections = allSections(files, paths)
  if (sections === null) return null
  for (const section of sections) {
    if (section.kind === 'global') global = section.maxconn ?? global
    else if (section.kind === 'defaults') defaults = section
    else for (const bind of section.binds) found.push(...listens(bind, section, defaults, global))
  }
  return found
}

/** Of all the files, in their order. @returns null when none can be read */
function allSections(files: ProcessFiles, paths: readonly string[]): Section[] | null {
  const sections: Section[] = []
  let isRead = false
  for (const path of paths.flatMap((given) => expanded(files, given))) {
    const text = files.text(path)
    if (text === null) continue
    isRead = true
    sections.push(...sectionsOf(text, path))
  }
  return isRead ? sections : null
}

/**
 * The limits of the process and of each of its proxies, and the servers that it checks.
 * @returns null when no file can be read
 */
export function haproxyLimits(
  files: ProcessFiles,
  paths: readonly string[],
): { limits: ConfiguredLimit[]; checks: ConfiguredCheck[] } | null {
  const limits: ConfiguredLimit[] = []
  const checks: ConfiguredCheck[] = []
  let defaults: Section | null = null
  const sections = allSections(files, paths)
  if (sections === null) return null
  for (const section of sections) {
    if (section.kind === 'global') limits.push(...limitOf(section.maxconn, null))
    else if (section.kind === 'defaults') defaults = section
    else {
      const addresses = section.binds.flatMap((bind) => bind.addresses)
      const ports = addresses.flatMap((text) => endpointOf(text)?.port ?? [])
      if (ports.length > 0) limits.push(...limitOf(section.maxconn ?? defaults?.maxconn, ports))
      checks.push(...section.servers.flatMap((s) => checkOf(s, section, defaults) ?? []))
    }
  }
  return { limits, checks }
}

function limitOf(
  limit: Limit | null | undefined,
  ports: readonly number[] | null,
): ConfiguredLimit[] {
  if (limit == null) return []
  const { name: setting, value, file, line } = limit
  return [{ setting, value, ports, file, line }]
}

/** Milliseconds between checks where nobody says otherwise. @see doc/configuration.txt "inter" */
const DEFAULT_INTER_MS = 2000

/** "server s1 10.0.0.1:80 check inter 500" */
function checkOf(
  { words, file, line }: Section['servers'][number],
  section: Section,
  defaults: Section | null,
): ConfiguredCheck | null {
  const at = endpointOf(words[2] ?? '')
  if (at === null || !words.includes('check', 3)) return null
  const own = words.indexOf('port')
  const port = own > 2 ? Number(words[own + 1]) : at.port
  const intervalMs = interOf(words) ?? section.inter ?? defaults?.inter ?? DEFAULT_INTER_MS
  const isNumber = /^[\d.]+$|:/.test(at.address)
  return { address: isNumber ? at.address : null, port, intervalMs, file, line }
}

const UNITS: Readonly<Record<string, number>> = {
  us: 1e-3,
  ms: 1,
  s: 1e3,
  m: 60e3,
  h: 3_600e3,
  d: 86_400e3,
}

/** "inter 2s"; without a unit milliseconds. */
function interOf(words: readonly string[]): number | null {
  const at = words.indexOf('inter')
  const [, digits, unit = 'ms'] = /^(\d{1,9})(us|ms|s|m|h|d)?$/.exec(words[at + 1] ?? '') ?? []
  return at < 0 || digits === undefined ? null : Number(digits) * (UNITS[unit] ?? 1)
}

/** A folder means its *.cfg files. */
function expanded(files: ProcessFiles, path: string): string[] {
  const within = files.glob(`${path}/*.cfg`)
  return within.length > 0 ? within : [path]
}

/** In the order of listener_backlog(): of the line, of the proxy, then their maxconn, which the global one stands in for. */
function listens(
  bind: Bind,
  proxy: Section,
  defaults: Section | null,
  global: Limit | null,
): ConfiguredListen[] {
  const decides =
    bind.backlog ??
    proxy.backlog ??
    defaults?.backlog ??
    bind.maxconn ??
    proxy.maxconn ??
    defaults?.maxconn ??
    global
  return bind.addresses.flatMap((text) => {
    const at = endpointOf(text)
    return at === null
      ? []
      : [
          {
            ...at,
            setting: decides?.name ?? 'backlog',
            value: decides?.value ?? DEFAULT_BACKLOG,
            from: decides === null || decides === undefined ? 'default' : 'configuration',
            file: decides?.file ?? bind.file,
            line: decides?.line ?? bind.line,
          } as const,
        ]
  })
}

const SECTIONS =
  /^(global|defaults|frontend|listen|backend|peers|resolvers|userlist|mailers|cache|program|ring|http-errors|log-forward)\b/

function sectionsOf(text: string, file: string): Section[] {
  const sections: Section[] = []
  for (const [at, full] of text.split('\n').entries()) {
    const words = full
      .replace(/(^|\s)#.*$/, '')
      .trim()
      .split(/\s+/)
    const [first = '', second = ''] = words
    if (SECTIONS.test(first)) {
      sections.push({
        kind: first,
        name: second,
        inter: null,
        servers: [],
        backlog: null,
        maxconn: null,
        binds: [],
      })
      continue
    }
    const section = sections.at(-1)
    if (section === undefined) continue
    const here = { file, line: at + 1 }
    const label = section.kind === 'global' ? 'global' : `${section.kind} ${section.name}`.trim()
    const limit = (name: string, word: string | undefined): Limit | null =>
      word !== undefined && /^\d{1,9}$/.test(word) ? { value: Number(word), name, ...here } : null
    const after = (name: string) => {
      const found = words.indexOf(name)
      return limit(`${label}: bind ... ${name}`, found < 2 ? undefined : words[found + 1])
    }
    if (first === 'backlog') section.backlog = limit(`${label}: backlog`, second)
    if (first === 'maxconn') section.maxconn = limit(`${label}: maxconn`, second)
    if (first === 'server') section.servers.push({ words, ...here })
    if (first === 'default-server') section.inter = interOf(words) ?? section.inter
    if (first === 'bind') {
      const addresses = second.split(',')
      section.binds.push({
        addresses,
        backlog: after('backlog'),
        maxconn: after('maxconn'),
        ...here,
      })
    }
  }
  return sections
}

/** "*:443", ":80", "10.0.0.1:80", "ipv6@:80", "[::]:80", ":::80"; no sockets of other kinds, no variables. */
function endpointOf(text: string): { address: string; port: number } | null {
  const [, address = '', port] = /^(?:ipv[46]@|tcp[46]?@)?(.*):(\d{1,5})$/.exec(text) ?? []
  if (port === undefined) return null
  const plain = address.replace(/^\[(.*)\]$/, '$1')
  return { address: plain === '' || plain === '*' ? '0.0.0.0' : plain, port: Number(port) }
}
