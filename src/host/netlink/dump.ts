import type { SocketFact } from '../facts.ts'
import type { HostFiles, HostRead } from '../host-files.ts'
import { stateBits, type TcpState } from '../kernel/tcp-states.ts'
import type { HostFault } from '../reader.ts'
import { portFilter } from './filter.ts'
import { type DiagSocket, decodeDump, encodeDump } from './sock-diag.ts'

/** Which sockets are wanted; absent: all. */
export interface SocketFilter {
  states?: readonly TcpState[]
  /** Of either side. */
  ports?: readonly number[]
  /** Without tcp_info, where netlink is asked. */
  brief?: boolean
}

const PATH = 'sock_diag'
/** How often a table that changed while it was read is read again. */
const TRIES = 3
/** Recent sequence numbers, so that an answer can be told from a late one of the dump before. */
const SEQUENCE = 1

/** TCP sockets of the current namespace, both families, filtered in the kernel where it can. */
export function dumpSockets(
  host: HostFiles,
  filter: SocketFilter,
): HostRead<{ sockets: SocketFact[]; faults: HostFault[] }> {
  const faults: HostFault[] = []
  const sockets: DiagSocket[] = []
  let refused: (HostRead<never> & { is: 'unreadable' }) | null = null
  for (const family of [4, 6] as const) {
    const dump = dumpFamily(host, family, filter)
    if (dump.is === 'read') {
      for (const socket of dump.value.sockets) sockets.push(socket)
      faults.push(...dump.value.faults)
    } else refused ??= dump
  }
  return refused ?? { is: 'read', value: { sockets, faults } }
}

interface FamilyDump {
  sockets: DiagSocket[]
  faults: HostFault[]
}

function dumpFamily(host: HostFiles, family: 4 | 6, filter: SocketFilter): HostRead<FamilyDump> {
  let dump = dumpOnce(host, family, filter)
  for (let tries = 1; tries < TRIES && dump.is === 'read' && dump.value.interrupted; tries++) {
    dump = dumpOnce(host, family, filter)
  }
  if (dump.is !== 'read') return dump
  const { sockets, odd, interrupted } = dump.value
  const faults: HostFault[] = []
  const fault = (what: string) =>
    faults.push({ path: PATH, what: `${PATH}: IPv${family}: ${what}` })
  if (interrupted) fault('the table changed while it was read: sockets may be missing or twice')
  if (odd > 0) fault(`${odd} messages that describe no socket`)
  return { is: 'read', value: { sockets, faults } }
}

type Dump = { sockets: DiagSocket[]; odd: number; interrupted: boolean }

function dumpOnce(host: HostFiles, family: 4 | 6, filter: SocketFilter): HostRead<Dump> {
  const littleEndian = host.endianness() === 'LE'
  const request = encodeDump({
    family,
    sequence: SEQUENCE,
    littleEndian,
    ...(filter.states === undefined ? {} : { states: stateBits(filter.states) }),
    brief: filter.brief === true,
    bytecode: portFilter(filter.ports ?? [], littleEndian),
  })
  const dump: Dump = { sockets: [], odd: 0, interrupted: false }
  let errno = 0
  const wanted = isWanted(filter)
  const asked = host.sockDiag(request, (octets) => {
    const part = decodeDump(octets, littleEndian, (socket) => {
      if (wanted(socket)) dump.sockets.push(socket)
    })
    dump.odd += part.odd
    dump.interrupted ||= part.interrupted
    errno ||= part.errno
    return part.done
  })
  if (asked.is !== 'read') return asked
  return errno === 0 ? { is: 'read', value: dump } : refusal(errno)
}

/** The same question again for ports and fallbacks that do not filter. */
export function isWanted({ states, ports }: SocketFilter): (socket: SocketFact) => boolean {
  const inState = states === undefined ? null : new Set(states)
  const atPort = ports === undefined || ports.length === 0 ? null : new Set(ports)
  return ({ state, local, remote }) =>
    (inState === null || inState.has(state)) &&
    (atPort === null || atPort.has(local.port) || atPort.has(remote.port))
}

const ENOENT = 2
const EPERM = 1
const EACCES = 13

function refusal(errno: number): HostRead<never> {
  const base = { is: 'unreadable', path: PATH } as const
  if (errno === ENOENT) {
    return { ...base, why: 'missing', detail: 'the kernel module tcp_diag is not there' }
  }
  if (errno === EPERM || errno === EACCES) return { ...base, why: 'denied' }
  return { ...base, why: 'failed', detail: `the kernel answered with errno ${errno}` }
}
