// Linux net/ipv4/tcp_ipv4.c tcp4_seq_show and net/ipv6/tcp_ipv6.c tcp6_seq_show, v6.18.
import { formatIpv4, formatIpv6 } from '../base/addresses.ts'
import type { Endpoint, SocketFact } from './facts.ts'
import type { HostFiles } from './host-files.ts'
import { tcpState } from './kernel/tcp-states.ts'
import { tcpTimer, USER_HZ_MS } from './kernel/timers.ts'
import { isWanted, type SocketFilter } from './netlink/dump.ts'
import { type HostFault, textOr } from './reader.ts'
import { decimal, hexadecimal, wordsOf } from './text.ts'

/** The last fallback: all states, but neither tcp_info nor the limit of an accept queue. */
export function procSockets(
  host: HostFiles,
  folder: string,
  filter: SocketFilter,
): { sockets: SocketFact[]; faults: HostFault[] } {
  const littleEndian = host.endianness() === 'LE'
  const faults: HostFault[] = []
  const sockets: SocketFact[] = []
  const wanted = isWanted(filter)
  for (const [name, family] of [
    ['tcp', 4],
    ['tcp6', 6],
  ] as const) {
    const path = `${folder}/${name}`
    const table = parseSockets(textOr(host.text(path), faults), { family, littleEndian })
    for (const socket of table.sockets) if (wanted(socket)) sockets.push(socket)
    if (table.odd > 0) {
      faults.push({ path, what: `${path}: ${table.odd} lines that describe no socket` })
    }
  }
  return { sockets, faults }
}

/** @returns the sockets of /proc/net/tcp or tcp6, and how many lines below the heading were not understood. */
export function parseSockets(
  text: string,
  of: { family: 4 | 6; littleEndian: boolean },
): { sockets: SocketFact[]; odd: number } {
  const found: SocketFact[] = []
  let odd = 0
  let start = text.indexOf('\n') + 1 // the first line names the columns
  while (start > 0 && start < text.length) {
    const end = text.indexOf('\n', start)
    const line = text.slice(start, end < 0 ? text.length : end)
    start = end + 1
    const socket = parseLine(line, of)
    if (socket !== null) found.push(socket)
    else if (line.trim() !== '') odd++
  }
  return { sockets: found, odd }
}

/** "3: 0100007F:7968 0100007F:EA6A 08 00000000:0000000A 00:00000000 00000000     0        0 952056 1 ..." */
function parseLine(line: string, of: { family: 4 | 6; littleEndian: boolean }): SocketFact | null {
  const words = wordsOf(line)
  const local = endpointOf(words[1], of)
  const remote = endpointOf(words[2], of)
  const number = hexadecimal(words[3])
  const state = number === null ? null : tcpState(number)
  const [wqueue, rqueue] = pairOf(words[4])
  const [timer, jiffies] = pairOf(words[5])
  const retransmits = hexadecimal(words[6])
  const uid = decimal(words[7])
  const inode = decimal(words[9])
  if (local === null || remote === null || state === null || wqueue === null || rqueue === null) {
    return null
  }
  if (
    timer === null ||
    jiffies === null ||
    retransmits === null ||
    uid === null ||
    inode === null
  ) {
    return null
  }
  const kind = tcpTimer(timer)
  return {
    family: of.family,
    state,
    local,
    remote,
    idiag_rqueue: rqueue,
    idiag_wqueue: state === 'LISTEN' ? null : wqueue,
    timer: kind === null ? null : { kind, expiresMs: jiffies * USER_HZ_MS },
    retransmits,
    uid,
    inode,
    ...NOT_TOLD,
  }
}

/** What /proc says nothing of. */
const NOT_TOLD = {
  cookie: null,
  idiag_if: null,
  congestionControl: null,
  shutdown: null,
  v6only: null,
  mark: null,
  cgroupId: null,
  tcpInfo: null,
  skmem: null,
} as const

/** "0100007F:7968": each 32-bit word as a number of the machine, the port as a number. */
function endpointOf(
  word: string | undefined,
  { family, littleEndian }: { family: 4 | 6; littleEndian: boolean },
): Endpoint | null {
  const digits = family === 4 ? 8 : 32
  if (word?.length !== digits + 5 || word[digits] !== ':') return null
  const port = hexadecimal(word.slice(digits + 1))
  if (port === null) return null
  const parts: number[] = []
  for (let i = 0; i < digits; i += 8) {
    const value = hexadecimal(word.slice(i, i + 8))
    if (value === null) return null
    parts.push(littleEndian ? swapped(value) : value | 0)
  }
  return { address: family === 4 ? formatIpv4(parts[0]!) : formatIpv6(parts), port }
}

function swapped(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | ((word >>> 24) & 0xff)
}

function pairOf(word: string | undefined): [number | null, number | null] {
  const at = word?.indexOf(':') ?? -1
  if (word === undefined || at < 0) return [null, null]
  return [hexadecimal(word.slice(0, at)), hexadecimal(word.slice(at + 1))]
}
