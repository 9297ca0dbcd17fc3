import { formatIpv4, formatIpv6 } from '../../../base/addresses.ts'
import type { MapAddress } from './types.ts'

const OCTET = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)'
const IPV4 = `${OCTET}(?:\\.${OCTET}){3}`
const ADDRESS = new RegExp(
  // IPv6 first: it may end in IPv4.
  `(?<![\\w:.])(?:(?:[\\da-fA-F]{0,4}:){2,7}(?:${IPV4}|[\\da-fA-F]{0,4}))(?![\\w:]|\\.\\d)|(?<![\\w.])${IPV4}(?![\\w]|\\.\\d)`,
  'g',
)

/** Every address in a text by its stand-in, IPv6 in its shortest form. */
export function mapText(text: string, map: MapAddress): string {
  return text.replace(ADDRESS, (found) => {
    const octets = found.includes(':') ? ipv6(found) : ipv4(found)
    if (octets === null) return found
    map(octets, 0, octets.length === 4 ? 4 : 16)
    const view = new DataView(octets.buffer)
    if (octets.length === 4) return formatIpv4(view.getInt32(0))
    return formatIpv6([0, 4, 8, 12].map((at) => view.getInt32(at)))
  })
}

/** /proc/net/tcp and tcp6: "0100007F:7968", each 32-bit word of an address as a number of the machine. */
export function mapProcTable(text: string, littleEndian: boolean, map: MapAddress): string {
  return text.replace(/\b([\dA-F]{32}|[\dA-F]{8})(?=:[\dA-F]{4}\b)/g, (digits) => {
    const octets = new Uint8Array(digits.length / 2)
    const view = new DataView(octets.buffer)
    for (let at = 0; at < octets.length; at += 4) {
      view.setUint32(at, Number.parseInt(digits.slice(at * 2, at * 2 + 8), 16), littleEndian)
    }
    map(octets, 0, octets.length === 4 ? 4 : 16)
    let mapped = ''
    for (let at = 0; at < octets.length; at += 4) {
      mapped += view.getUint32(at, littleEndian).toString(16).padStart(8, '0')
    }
    return mapped.toUpperCase()
  })
}

/** /proc/net/if_inet6: "fe8000000000000000fc00fffe000001 04 40 20 80     eth0". */
export function mapInterfaceTable(text: string, map: MapAddress): string {
  return text.replace(/^[\da-f]{32}(?= )/gm, (digits) => {
    const octets = Uint8Array.from(digits.match(/../g) ?? [], (two) => Number.parseInt(two, 16))
    map(octets, 0, 16)
    return [...octets].map((octet) => octet.toString(16).padStart(2, '0')).join('')
  })
}

/**
 * Link-layer addresses: "02:42:ac:11:00:02"; netfilter logs two of them and a type in one row. Those of nobody (zeros, ones) stay.
 */
export function mapMacs(text: string, standIn: (mac: string) => string): string {
  return text.replace(/(?<![\w:])(?:[\da-f]{2}:){5,}[\da-f]{2}(?![\w:])/gi, (row) =>
    row
      .toLowerCase()
      .replace(/(?:[\da-f]{2}:){5}[\da-f]{2}/g, (mac) => (isNobody(mac) ? mac : standIn(mac))),
  )
}

function isNobody(mac: string): boolean {
  return /^(00:){5}00$|^(ff:){5}ff$/.test(mac)
}

export function mapWord(text: string, word: string, standIn: string): string {
  if (word.length < MIN_NAME || /^localhost$/i.test(word)) return text
  const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return text.replace(new RegExp(`(?<![\\w-])${escaped}(?![\\w-])`, 'gi'), standIn)
}

/** A shorter name than this may be any word. */
const MIN_NAME = 3

function ipv4(text: string): Uint8Array {
  return new Uint8Array(text.split('.').map(Number))
}

function ipv6(text: string): Uint8Array | null {
  const tail = /\d+\.\d+\.\d+\.\d+$/.exec(text)?.[0]
  const last = tail === undefined ? null : ipv4(tail)
  const plain =
    last === null
      ? text
      : text.slice(0, text.length - tail!.length) +
        [0, 2].map((at) => ((last[at]! << 8) | last[at + 1]!).toString(16)).join(':')
  const halves = plain.split('::')
  if (halves.length > 2) return null
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')))
  const count = groups.reduce((sum, half) => sum + half.length, 0)
  if (halves.length === 1 ? count !== 8 : count > 7) return null
  if (groups.flat().some((group) => !/^[\da-fA-F]{1,4}$/.test(group))) return null
  const [head = [], end = []] = groups
  const middle = new Array<string>(8 - count).fill('0')
  const octets = new Uint8Array(16)
  const view = new DataView(octets.buffer)
  for (const [i, group] of [...head, ...middle, ...end].entries()) {
    view.setUint16(i * 2, Number.parseInt(group, 16))
  }
  return octets
}
