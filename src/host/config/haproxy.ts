// HAProxy 2.6: doc/configuration.txt (bind, backlog, maxconn), include/haproxy/listener.h listener_backlog().
import type { ConfiguredListen } from '../facts.ts'
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
  let isRead = false
  for (const path of paths.flatMap((given) => expanded(files, given))) {
    const text = files.text(path)
    if (text === null) continue
    isRead = true
    for (const section of sectionsOf(text, path)) {
      if (section.kind === 'global') global = section.maxconn ?? global
      else if (section.kind === 'defaults') defaults = section
      else for (const bind of section.binds) found.push(...listens(bind, section, defaults, global))
    }
  }
  return isRead ? found : null
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
      sections.push({ kind: first, name: second, backlog: null, maxconn: null, binds: [] })
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
