import { version } from '../../base/version.ts'
import type { Target } from '../target.ts'

/** A request of HTTP/1.1 that says who asks, and whether the connection is to stay. */
export function requestOctets(
  { host, port, path, scheme }: Target,
  { method, keepAlive, fields = [] }: RequestShape,
): Uint8Array {
  // A zone is this host's own word for an interface: servers are not told (RFC 6874 4).
  const shown = host.includes(':') ? `[${host.replace(/%.*$/, '')}]` : host
  const isDefault = (scheme === 'https' && port === 443) || (scheme === 'http' && port === 80)
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${isDefault ? shown : `${shown}:${port}`}`,
    `User-Agent: tcpwhy/${version}`,
    'Accept: */*',
    ...fields,
    ...(keepAlive ? [] : ['Connection: close']),
  ]
  return new TextEncoder().encode(`${lines.join('\r\n')}\r\n\r\n`)
}

export interface RequestShape {
  method: string
  keepAlive: boolean
  /** "Name: value" */
  fields?: readonly string[]
}
