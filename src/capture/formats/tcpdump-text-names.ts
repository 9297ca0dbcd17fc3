// Names that tcpdump prints without -n. Ports: IANA service names as in Debian 12's /etc/services.

/** Services whose names people meet; tcpdump prints the name for either end that has the port. */
const ports: Readonly<Record<string, number>> = {
  amqp: 5672,
  amqps: 5671,
  bgp: 179,
  domain: 53,
  epmd: 4369,
  'ftp-data': 20,
  ftp: 21,
  git: 9418,
  http: 80,
  'http-alt': 8080,
  https: 443,
  imap: 143,
  imap2: 143,
  imaps: 993,
  ipp: 631,
  'iscsi-target': 3260,
  kerberos: 88,
  ldap: 389,
  ldaps: 636,
  'microsoft-ds': 445,
  'ms-sql-s': 1433,
  'ms-wbt-server': 3389,
  mqtt: 1883,
  mysql: 3306,
  'netbios-ssn': 139,
  nfs: 2049,
  openvpn: 1194,
  pop3: 110,
  pop3s: 995,
  postgresql: 5432,
  redis: 6379,
  rsync: 873,
  sip: 5060,
  'sip-tls': 5061,
  smtp: 25,
  socks: 1080,
  ssh: 22,
  submission: 587,
  submissions: 465,
  sunrpc: 111,
  svn: 3690,
  telnet: 23,
  webcache: 8080,
  'xmpp-client': 5222,
  'xmpp-server': 5269,
  'zabbix-agent': 10050,
  'zabbix-trapper': 10051,
}

/** @returns the port of a number or a known service name; null for a name that is not known. */
export function portOf(text: string): number | null {
  if (/^\d{1,5}$/.test(text)) {
    const port = Number(text)
    return port <= 65_535 ? port : null
  }
  return Object.hasOwn(ports, text) ? ports[text]! : null
}

/** A port in the dynamic range that stands for an unknown service name, the same each time. */
export function standInPort(name: string): number {
  return 49_152 + (hashOf(name) % 16_384)
}

/** Octets of an address: 4 or 16 of them; null when the text is a name. */
export function addressOf(text: string): Uint8Array | null {
  return text.includes(':') ? ipv6Of(text.replace(/%.*$/, '')) : ipv4Of(text)
}

/** An address that stands for a host name: in 240.0.0.0/4, or for IPv6 in fd00::/8; the same each time. */
export function standInAddress(name: string, family: 4 | 6): Uint8Array {
  if (name === 'localhost' || name.startsWith('localhost.')) {
    return family === 4 ? Uint8Array.of(127, 0, 0, 1) : ipv6Of('::1')!
  }
  const hash = hashOf(name)
  const low = [(hash >>> 16) & 255, (hash >>> 8) & 255, hash & 255]
  // 240.0.0.0/4 without 255.255.255.255: the first octet is at most 254.
  const first = 240 + ((hash >>> 24) % 15)
  if (family === 4) return Uint8Array.of(first, ...low)
  return Uint8Array.of(0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, first, ...low)
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  }
  return hash >>> 0
}

function ipv4Of(text: string): Uint8Array | null {
  const parts = text.split('.')
  if (parts.length !== 4 || parts.some((part) => !/^\d{1,3}$/.test(part) || Number(part) > 255)) {
    return null
  }
  return Uint8Array.from(parts, Number)
}

/** RFC 4291 §2.2, all three forms. */
function ipv6Of(text: string): Uint8Array | null {
  const sides = text.split('::')
  if (sides.length > 2) return null
  const [head, tail] = sides.map(groupsOf)
  if (head === null || head === undefined || tail === null) return null
  const missing = 8 - head.length - (tail?.length ?? 0)
  if (tail === undefined ? missing !== 0 : missing < 1) return null
  const groups = [...head, ...new Array<number>(missing).fill(0), ...(tail ?? [])]
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]))
}

function groupsOf(text: string): number[] | null {
  if (text === '') return []
  const groups: number[] = []
  for (const part of text.split(':')) {
    const mapped = part.includes('.') ? ipv4Of(part) : null
    if (mapped !== null) groups.push((mapped[0]! << 8) | mapped[1]!, (mapped[2]! << 8) | mapped[3]!)
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16))
    else return null
  }
  return groups
}
