import { type PcapRecord, pcapFile } from './pcap-writer.ts'

// A server that says no in words and closes in order: only the payload tells it from one that answers.

const RAW_IP = 101
const GREETING = packet(0, '\x0a10.11.6-MariaDB\0'.padEnd(80, 'x'))
const REFUSAL = packet(0, '\xff\x10\x04Too many connections')
const LOGIN = packet(1, 'login of a client'.padEnd(60, 'x'))
const OK = packet(2, '\0\0\0\x02\0\0\0')
const QUIT = packet(0, '\x01')

/** Of the protocol of MySQL: length, sequence number, payload. */
function packet(number: number, payload: string): string {
  return String.fromCharCode(payload.length, 0, 0, number) + payload
}

type Segment = { fromServer?: boolean; flags: number; text?: string }

/** What follows the handshake. */
export const welcome: readonly Segment[] = [
  { fromServer: true, flags: 0x18, text: GREETING },
  { flags: 0x18, text: LOGIN },
  { fromServer: true, flags: 0x18, text: OK },
  { flags: 0x18, text: QUIT },
  { flags: 0x11 },
  { fromServer: true, flags: 0x11 },
  { flags: 0x10 },
]
export const refused: readonly Segment[] = [
  { fromServer: true, flags: 0x18, text: REFUSAL },
  { fromServer: true, flags: 0x11 },
  { flags: 0x11 },
  { fromServer: true, flags: 0x10 },
]

/** Where a connection is seen: last octets of the addresses in 10.0.0.0/24, and what a hop less or more makes of the TTL. */
interface Side {
  client: number
  server: number
  ttl: { client: number; server: number }
}

const DIRECT: Side = { client: 1, server: 2, ttl: { client: 64, server: 64 } }
/** Before and after a box that translates both addresses. */
const TRANSLATED: readonly Side[] = [
  { client: 1, server: 9, ttl: { client: 64, server: 63 } },
  { client: 8, server: 2, ttl: { client: 63, server: 64 } },
]

/** One connection a story, 10 ms apart, each from a port of its own. Not `forwarded`: alike only, no router counted the TTL down. */
export function mysqlCapture(
  stories: readonly (readonly Segment[])[],
  { translated = false, forwarded = true } = {},
): Uint8Array {
  const likeness = TRANSLATED.map((side) => ({ ...side, ttl: DIRECT.ttl }))
  const sides = !translated ? [DIRECT] : forwarded ? TRANSLATED : likeness
  const records = stories.flatMap((story, i) => connection(i, story, sides))
  return pcapFile({ link: RAW_IP, ns: true, records })
}

function connection(port: number, story: readonly Segment[], sides: readonly Side[]): PcapRecord[] {
  const begun: Segment[] = [{ flags: 2 }, { fromServer: true, flags: 0x12 }, { flags: 0x10 }]
  const next = { client: 1000 + port * 7919, server: 5000 + port * 104_729 }
  return [...begun, ...story].flatMap(({ fromServer = false, flags, text = '' }, i) => {
    const [own, peer] = fromServer
      ? (['server', 'client'] as const)
      : (['client', 'server'] as const)
    const of = { port, seq: next[own], ack: next[peer], flags, text, id: port * 16 + i + 1 }
    next[own] += text.length + (flags & 1) + ((flags >> 1) & 1)
    const timeNs = 1_700_000_000_000_000_000n + BigInt(port * 10_000_000 + i * 200_000)
    const passed = fromServer ? sides.toReversed() : sides
    return passed.map((side, hop) => ({
      timeNs: timeNs + BigInt(hop * 20_000),
      data: segment(fromServer, of, side),
    }))
  })
}

function segment(
  fromServer: boolean,
  of: { port: number; seq: number; ack: number; flags: number; text: string; id: number },
  { client, server, ttl }: Side,
): Uint8Array {
  const octets = new Uint8Array(40 + of.text.length)
  const view = new DataView(octets.buffer)
  const ownTtl = fromServer ? ttl.server : ttl.client
  octets.set([0x45, 0, 0, octets.length, of.id >> 8, of.id, 0x40, 0, ownTtl, 6, 0, 0])
  octets.set([10, 0, 0, fromServer ? server : client, 10, 0, 0, fromServer ? client : server], 12)
  view.setUint16(20, fromServer ? 3306 : 20_000 + of.port)
  view.setUint16(22, fromServer ? 20_000 + of.port : 3306)
  view.setUint32(24, of.seq)
  view.setUint32(28, (of.flags & 0x10) === 0 ? 0 : of.ack)
  octets.set([0x50, of.flags, 0xff, 0xff], 32)
  octets.set(Buffer.from(of.text, 'latin1'), 40)
  return octets
}
