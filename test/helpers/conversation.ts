import { AddressBook } from '../../src/base/addresses.ts'
import { FlowAnalysis, type FlowResult } from '../../src/flow/analysis.ts'
import type { ConnectionFacts } from '../../src/flow/facts.ts'
import { ACK, FIN, KIND_TCP, Packet, PSH, RST, SYN } from '../../src/packet/packet.ts'

/** Where both sides' sequence numbers begin: once far from the edge, once so that both cross 2^32 within a few octets. */
export const starts = [
  { name: 'small numbers', client: 1000, server: 5_000_000 },
  { name: 'numbers that cross 2^32', client: 0xffff_fffd, server: 0xffff_fff0 },
] as const
export type Start = { client: number; server: number }

const FLAGS: Record<string, number> = { F: FIN, S: SYN, R: RST, P: PSH, '.': ACK }
const CLIENT = 0x0a00_0001
const SERVER = 0x0a00_0002
const TTL = { C: 64, S: 57 }

export interface Told {
  packet: Packet
  tNs: number
  frame: number
}

/**
 * A conversation written down, a segment a line: `MS C > S [FLAGS] seq N ack N len N`, then what differs from the usual:
 * `win N` (field, 500), `ttl N`, `id N` (one more than the side's last; `id same` repeats it), `ts A:B`, `ws N` (SYN
 * only; none = no option), `mac N`. Flags as tcpdump prints them; numbers relative to `start`. `C3` is another client port.
 */
export function told(text: string, start: Start = starts[0]): Told[] {
  const ids: Record<string, number> = {}
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim())
  return lines.filter((line) => line !== '').map((line, i) => tell(line, start, ids, i + 1))
}

function tell(line: string, start: Start, ids: Record<string, number>, frame: number): Told {
  const match = /^(-?[\d.]+)\s+([CS])(\d*) > [CS](\d*) \[([FSRP.]+)\](.*)$/.exec(line)
  if (match === null) throw new Error(`Not a segment: ${line}`)
  const [, ms, from, sourcePort, targetPort, flags, rest] = match
  const client = from === 'C'
  const port = 40_000 + Number((client ? sourcePort : targetPort) || 0)
  const value = (name: string) => new RegExp(` ${name} (\\S+)`).exec(` ${rest}`)?.[1]
  const number = (name: string, otherwise: number) => Number(value(name) ?? otherwise)
  const p = new Packet()
  p.kind = KIND_TCP
  p.rare = 1
  p.src = client ? CLIENT : SERVER
  p.dst = client ? SERVER : CLIENT
  p.srcPort = client ? port : 80
  p.dstPort = client ? 80 : port
  p.flags = [...flags!].reduce((bits, letter) => bits | FLAGS[letter]!, 0)
  p.seq = (number('seq', 0) + (client ? start.client : start.server)) | 0
  p.ack =
    value('ack') === undefined ? 0 : (number('ack', 0) + start[client ? 'server' : 'client']) | 0
  p.dataLen = number('len', 0)
  p.wnd = number('win', 500)
  p.ttl = number('ttl', client ? TTL.C : TTL.S)
  const last = ids[from!] ?? (client ? 100 : 9000)
  p.ipId = value('id') === 'same' ? last : number('id', last + 1)
  ids[from!] = p.ipId
  p.linkSource = number('mac', 0)
  p.windowScale = number('ws', -1)
  if ((p.flags & SYN) !== 0) p.mss = 1460
  const [tsVal, tsEcr] = value('ts')?.split(':') ?? []
  if (tsVal !== undefined) {
    p.hasTimestamps = 1
    p.tsVal = Number(tsVal) | 0
    p.tsEcr = Number(tsEcr) | 0
  }
  p.optionsLen = (p.flags & SYN) !== 0 ? 20 : p.hasTimestamps === 1 ? 12 : 0
  return { packet: p, tNs: Number(ms) * 1e6, frame }
}

/** What the flow layer makes of it: every connection, clean ones included, in order of the first frame. */
export function flowsOf(segments: readonly Told[]): {
  connections: ConnectionFacts[]
  result: FlowResult
} {
  const connections: ConnectionFacts[] = []
  const analysis = new FlowAnalysis({
    addresses: new AddressBook(),
    onConnection: (facts) => connections.push(facts),
  })
  for (const { packet, tNs, frame } of segments) {
    analysis.segment(Object.assign(packet, { tNs, frame }))
  }
  const result = analysis.finish()
  return { connections: connections.sort((a, b) => a.id - b.id), result }
}

/** The facts of the one connection that the lines tell of. */
export function factsOf(text: string, start: Start = starts[0]): ConnectionFacts {
  const { connections } = flowsOf(told(text, start))
  if (connections.length !== 1) throw new Error(`${connections.length} connections instead of one`)
  return connections[0]!
}

/** SYN, SYN-ACK, ACK in the first 20 ms: round trip 20 ms, window scale 0. */
export const handshake = `
  0  C > S [S]  seq 0
  10 S > C [S.] seq 0 ack 1
  20 C > S [.]  seq 1 ack 1`

/** The handshake, then a request of 100 octets and an answer of 200, acknowledged: client at 101, server at 201. */
export const exchange = `${handshake}
  30 C > S [P.] seq 1 ack 1 len 100
  40 S > C [P.] seq 1 ack 101 len 200
  50 C > S [.]  seq 101 ack 201`
