import { formatEndpoint } from '../base/addresses.ts'
import { TcpwhyError } from '../base/errors.ts'

/** What was given to probe: "[NAME=]HOST:PORT", "[NAME=]http://HOST[:PORT]/path" or https. */
export interface Target {
  /** As the user calls it; else "HOST:PORT". */
  name: string
  host: string
  port: number
  scheme: 'tcp' | 'http' | 'https'
  /** Path and query of a URL; "/" without one. */
  path: string
}

/** "10.0.0.9:80", or "web (10.0.0.9:80)" where it has another name. */
export function shownTarget({ name, port }: Target, { address }: { address: string }): string {
  const endpoint = formatEndpoint(address, port)
  return name === endpoint ? endpoint : `${name} (${endpoint})`
}

const NAMED = /^([A-Za-z0-9][\w.-]*)=(.+)$/
const HOST_PORT = /^(?:\[([0-9A-Fa-f:.%\w]+)\]|([^\s:/[\]]+)):(\d{1,5})$/

/** @throws TcpwhyError BAD_ARGUMENT */
export function parseTarget(text: string): Target {
  const named = NAMED.exec(text)
  const address = named?.[2] ?? text
  const target = /^https?:\/\//i.test(address) ? ofUrl(address) : ofHostPort(address)
  if (target === null) throw notUnderstood(text)
  if (LINK_LOCAL.test(target.host)) throw withoutZone(target)
  return named?.[1] === undefined ? target : { ...target, name: named[1] }
}

/** RFC 4291 2.5.6; RFC 4007: which network it means only its zone tells. */
const LINK_LOCAL = /^fe[89ab][0-9a-f]?:[^%]*$/i

function withoutZone({ host, port }: Target): TcpwhyError {
  return new TcpwhyError(
    'BAD_ARGUMENT',
    `${host} is on every network of this host: which one is meant is not said`,
    `Add the interface: [${host}%eth0]:${port} (ip -6 neigh shows it); of HTTP give the path by --http.`,
  )
}

function ofHostPort(text: string): Target | null {
  const match = HOST_PORT.exec(text)
  const port = Number(match?.[3])
  const host = match?.[1] ?? match?.[2]
  if (host === undefined || !(port >= 1 && port <= 65535)) return null
  return { name: text, host, port, scheme: 'tcp', path: '/' }
}

function ofUrl(text: string): Target | null {
  if (!URL.canParse(text)) return null
  const url = new URL(text)
  const scheme = url.protocol === 'https:' ? 'https' : 'http'
  const port = url.port === '' ? { http: 80, https: 443 }[scheme] : Number(url.port)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (host === '' || url.username !== '' || port === 0) return null
  const path = `${url.pathname}${url.search}`
  const shown = host.includes(':') ? `[${host}]` : host
  return { name: `${shown}:${port}`, host, port, scheme, path }
}

function notUnderstood(text: string): TcpwhyError {
  return new TcpwhyError(
    'BAD_ARGUMENT',
    `${text.slice(0, 200)} is no target`,
    'Write HOST:PORT, [2001:db8::1]:443, http://HOST:PORT/path, or NAME=HOST:PORT to give it a name.',
  )
}
