import { expect, test } from 'vitest'
import { diagnoseCapture } from '../helpers/diagnose-capture.ts'
import { type PcapRecord, pcapFile } from '../helpers/pcap-writer.ts'

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

const welcome: Segment[] = [
  { fromServer: true, flags: 0x18, text: GREETING },
  { flags: 0x18, text: LOGIN },
  { fromServer: true, flags: 0x18, text: OK },
  { flags: 0x18, text: QUIT },
  { flags: 0x11 },
  { fromServer: true, flags: 0x11 },
  { flags: 0x10 },
]
const refused: Segment[] = [
  { fromServer: true, flags: 0x18, text: REFUSAL },
  { fromServer: true, flags: 0x11 },
  { flags: 0x11 },
  { fromServer: true, flags: 0x10 },
]

function connection(port: number, story: readonly Segment[]): PcapRecord[] {
  const begun: Segment[] = [{ flags: 2 }, { fromServer: true, flags: 0x12 }, { flags: 0x10 }]
  const next = { client: 1000, server: 5000 }
  return [...begun, ...story].map(({ fromServer = false, flags, text = '' }, i) => {
    const [own, peer] = fromServer
      ? (['server', 'client'] as const)
      : (['client', 'server'] as const)
    const data = segment(fromServer, { port, seq: next[own], ack: next[peer], flags, text })
    next[own] += text.length + (flags & 1) + ((flags >> 1) & 1)
    return { timeNs: 1_700_000_000_000_000_000n + BigInt(port * 10_000_000 + i * 200_000), data }
  })
}

function segment(
  fromServer: boolean,
  of: { port: number; seq: number; ack: number; flags: number; text: string },
): Uint8Array {
  const octets = new Uint8Array(40 + of.text.length)
  const view = new DataView(octets.buffer)
  octets.set([0x45, 0, 0, octets.length, 0, 0, 0x40, 0, 64, 6, 0, 0])
  octets.set([10, 0, 0, fromServer ? 2 : 1, 10, 0, 0, fromServer ? 1 : 2], 12)
  view.setUint16(20, fromServer ? 3306 : 20_000 + of.port)
  view.setUint16(22, fromServer ? 20_000 + of.port : 3306)
  view.setUint32(24, of.seq)
  view.setUint32(28, (of.flags & 0x10) === 0 ? 0 : of.ack)
  octets.set([0x50, of.flags, 0xff, 0xff], 32)
  octets.set(Buffer.from(of.text, 'latin1'), 40)
  return octets
}

test('refusals that begin after a hundred healthy connections are found, and all are counted', async () => {
  const records = Array.from({ length: 140 }, (_, i) =>
    connection(i, i < 100 ? welcome : refused),
  ).flat()
  const report = await diagnoseCapture(pcapFile({ link: RAW_IP, ns: true, records }))
  expect(report.findings[0]).toMatchObject({
    cause: 'connection-limit',
    certainty: 'confirmed',
    affected: { connections: 40, of: 140 },
  })
})

test('also behind more healthy ones than are looked at, among others that go on', async () => {
  const isRefused = (i: number) => i >= 900 && i < 1020 && i % 2 === 0
  const records = Array.from({ length: 1400 }, (_, i) =>
    connection(i, isRefused(i) ? refused : welcome),
  ).flat()
  const report = await diagnoseCapture(pcapFile({ link: RAW_IP, ns: true, records }))
  expect(report.findings[0]).toMatchObject({
    cause: 'connection-limit',
    certainty: 'confirmed',
    affected: { connections: 60, of: 1400 },
  })
})

test('the same without a refusal is healthy', async () => {
  const records = Array.from({ length: 140 }, (_, i) => connection(i, welcome)).flat()
  const report = await diagnoseCapture(pcapFile({ link: RAW_IP, ns: true, records }))
  expect(report.verdict).toBe('healthy')
})
