/** The ends of a connection as a log line names them. `port` alone is known from lines such as "SYN flooding on port 80". */
export interface LineEndpoints {
  /** Literal addresses with a port, in the order of the line: "10.0.0.1:5000", "[2001:db8::1]:443". At most two. */
  pair: readonly string[]
  /** The service's address or host name, where one is named. Only characters that are safe in a command. */
  host: string | null
  /** The service's port: of two, the one below the ephemeral range, else the remote (second) one. */
  port: number | null
}

interface Endpoint {
  host: string
  port: number
}

const FIRST_EPHEMERAL_PORT = 32768 // Linux net.ipv4.ip_local_port_range
const OCTET = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)'
const IPV4 = `${OCTET}(?:\\.${OCTET}){3}`
const IPV6 = '[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?:%[\\w.-]{1,15})?'
const LITERAL = new RegExp(`(?<![\\w.])(?:(${IPV4})|\\[(${IPV6})\\]):(\\d{1,5})(?!\\d)`, 'g')

/** Ways to name host and port apart, or a host name with its port. Each gives host and port in this order. */
const NAMED: readonly RegExp[] = [
  /host=['"]([\w.:-]{1,253})['"], port=(\d{1,5})/, // Python urllib3
  /connection to server at "([\w.:-]{1,253})".{0,120}?port (\d{1,5})/, // libpq
  /Failed to connect to ([\w.:-]{1,253}) port (\d{1,5})/i, // curl
  /connect to ([\w.:-]{1,253}) port (\d{1,5})/i,
  /(?:ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH|ECONNRESET|ENETUNREACH|EADDRNOTAVAIL) ([0-9a-fA-F:]{2,39}):(\d{1,5})(?!\d)/, // Node prints IPv6 without brackets
  /server on '([\w.-]{1,253}):(\d{1,5})'/, // MySQL
  /upstream: "\w{1,10}:\/\/([\w.-]{1,253}):(\d{1,5})/, // nginx
  /\w{2,10}:\/\/([A-Za-z0-9][\w.-]{0,252}):(\d{1,5})/,
  /(?:dial tcp|lookup|Connect to) ([A-Za-z0-9][\w.-]{0,252}):(\d{1,5})/,
]
const PORT_ONLY = /(?:\bon port|\bport=|--port) ?(?:[\d.[\]:a-fA-F]{0,45}:)?(\d{1,5})(?!\d)/

/** Addresses and ports in a pasted line; nothing is guessed that the line does not say. */
export function endpointsOf(line: string): LineEndpoints {
  const literals = literalsOf(line)
  const pair = literals.slice(0, 2)
  const service = named(line) ?? serviceOf(pair)
  const port = service?.port ?? portOnly(line)
  return { pair: pair.map(print), host: service?.host ?? null, port }
}

function literalsOf(line: string): Endpoint[] {
  const found: Endpoint[] = []
  for (const match of line.matchAll(LITERAL)) {
    const host = match[1] ?? match[2]
    const port = portOf(match[3])
    if (host === undefined || port === null || host.startsWith('0.0.0.0')) continue
    if (!found.some((f) => f.host === host && f.port === port)) found.push({ host, port })
  }
  return found
}

function named(line: string): Endpoint | null {
  for (const pattern of NAMED) {
    const match = pattern.exec(line)
    const port = portOf(match?.[2])
    const host = match?.[1]
    if (host !== undefined && port !== null && !host.startsWith('-')) return { host, port }
  }
  return null
}

function serviceOf(pair: readonly Endpoint[]): Endpoint | null {
  const [first, second] = pair
  if (first === undefined) return null
  if (second === undefined) return first.port < FIRST_EPHEMERAL_PORT ? first : null
  return first.port < FIRST_EPHEMERAL_PORT && second.port >= FIRST_EPHEMERAL_PORT ? first : second
}

function portOnly(line: string): number | null {
  return portOf(PORT_ONLY.exec(line)?.[1])
}

function portOf(text: string | undefined): number | null {
  const port = Number(text)
  return text !== undefined && port > 0 && port <= 65535 ? port : null
}

function print({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
