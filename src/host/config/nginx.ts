// nginx 1.22: https://nginx.org/en/docs/http/ngx_http_core_module.html#listen, core/ngx_conf_file.c, core/ngx_connection.h
import type { ConfiguredLimit, ConfiguredListen } from '../facts.ts'
import type { ProcessFiles } from './process-files.ts'

/** NGX_LISTEN_BACKLOG on Linux. */
const DEFAULT_BACKLOG = 511
const MAX_FILES = 300
const MAX_DEPTH = 8
export const NGINX_SETTING = 'listen ... backlog='

/** Where packages put it; without -c nginx knows the place from when it was built. */
export const NGINX_FILES = [
  '/etc/nginx/nginx.conf',
  '/usr/local/nginx/conf/nginx.conf',
  '/usr/local/etc/nginx/nginx.conf',
  '/opt/nginx/conf/nginx.conf',
  '/usr/local/openresty/nginx/conf/nginx.conf',
]

/** All `listen` directives of a configuration and its includes. @returns null when the first file cannot be read */
export function nginxListens(files: ProcessFiles, path: string): ConfiguredListen[] | null {
  const found: ConfiguredListen[] = []
  const isRead = everyDirective(files, path, (words, at) => {
    const listen = words[0] === 'listen' ? listenOf(words, at) : null
    if (listen !== null) found.push(listen)
  })
  return isRead ? found : null
}

/** DEFAULT_CONNECTIONS of event/ngx_event.c */
const DEFAULT_CONNECTIONS = 512

/** Connections that each worker may have, its listeners and those to upstreams among them. @returns null when it cannot be read */
export function nginxConnections(files: ProcessFiles, path: string): ConfiguredLimit | null {
  const setting = 'worker_connections'
  let found: ConfiguredLimit = {
    setting,
    value: DEFAULT_CONNECTIONS,
    ports: null,
    file: path,
    line: null,
  }
  const isRead = everyDirective(files, path, ([name, value = ''], at) => {
    if (name === setting && /^\d{1,9}$/.test(value))
      found = { ...found, value: Number(value), ...at }
  })
  return isRead ? found : null
}

type At = { file: string; line: number }

/** @returns whether the first file could be read */
function everyDirective(
  files: ProcessFiles,
  path: string,
  take: (words: readonly string[], at: At) => void,
): boolean {
  const folder = path.slice(0, path.lastIndexOf('/'))
  let left = MAX_FILES
  const visit = (file: string, depth: number): boolean => {
    if (left-- <= 0 || depth > MAX_DEPTH) return true
    const text = files.text(file)
    if (text === null) return false
    for (const { words, line } of directives(text)) {
      const [name, first = ''] = words
      take(words, { file, line })
      if (name === 'include') {
        const pattern = first.startsWith('/') ? first : `${folder}/${first}`
        for (const included of files.glob(pattern)) visit(included, depth + 1)
      }
    }
    return true
  }
  return visit(path, 0)
}

/** "listen [::]:443 ssl backlog=1024;" */
function listenOf(
  [, where = '', ...parameters]: readonly string[],
  { file, line }: At,
): ConfiguredListen | null {
  if (where.startsWith('unix:')) return null
  const bracketed = /^\[([\da-f:.]*)\](?::(\d{1,5}))?$/i.exec(where)
  const plain = /^(?:(\*|[^:]*[^\d:][^:]*):)?(\d{1,5})$/.exec(where) ?? /^([\d.]+)$/.exec(where)
  const [, host, port] = bracketed ?? plain ?? [null, where, undefined]
  const backlog = parameters.find((word) => /^backlog=-?\d{1,10}$/.test(word))
  return {
    address: host === '*' || host === undefined ? '0.0.0.0' : host,
    port: Number(port ?? 80),
    setting: NGINX_SETTING,
    value: backlog === undefined ? DEFAULT_BACKLOG : Number(backlog.slice('backlog='.length)),
    from: backlog === undefined ? 'default' : 'configuration',
    file,
    line,
  }
}

/** Directives with their words and the line they begin in; blocks are looked into, their names are directives too. */
function* directives(text: string): Generator<{ words: string[]; line: number }> {
  let words: string[] = []
  let line = 1
  let begin = 1
  const token = /\n|#[^\n]*|[;{}]|"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'|[^\s;{}"']+/g
  for (const [piece] of text.matchAll(token)) {
    if (piece === '\n') line++
    else if (piece.startsWith('#')) continue
    else if (piece === ';' || piece === '{' || piece === '}') {
      if (words.length > 0) yield { words, line: begin }
      words = []
    } else {
      if (words.length === 0) begin = line
      words.push(/^["']/.test(piece) ? piece.slice(1, -1) : piece)
      line += piece.split('\n').length - 1
    }
  }
}
