import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pcapFile } from '../../test/helpers/pcap-writer.ts'
import type { Node } from './nodes.ts'
import type { Ended, Place } from './place.ts'

/** More connections than are kept in memory: their rows wait in a temporary file. */
const CONNECTIONS = 10_500

interface Way {
  says: string
  words: readonly string[]
  status: number
  shows: RegExp
}

const ways: readonly Way[] = [
  {
    says: 'backslashes, and files named by their last part',
    words: [
      '--at',
      'client=test\\captures\\port-closed\\nothing-listens.client.pcap',
      '--at',
      'server=.\\test\\captures\\port-closed\\nothing-listens.server.pcap',
    ],
    status: 1,
    shows: /frame \d+ of\s+nothing-listens\.client\.pcap/,
  },
  {
    says: 'wildcards that no shell has looked up',
    words: ['test\\captures\\port-closed\\nothing-*.PCAP'],
    status: 1,
    shows: /client\.pcap: [\s\S]*server\.pcap: /,
  },
  {
    says: 'a wildcard that fits nothing',
    words: ['*.nothing'],
    status: 2,
    shows: /CAPTURE_NOT_FOUND/,
  },
  {
    says: 'text with CR LF',
    words: ['pasted.txt'],
    status: 1,
    shows: /^10\.0\.0\.2:80 refused 12 connections/,
  },
  { says: 'no Linux to be looked at', words: ['diagnose'], status: 2, shows: /HOST_NOT_LINUX/ },
  { says: 'no Linux to be kept', words: ['snapshot'], status: 2, shows: /HOST_NOT_LINUX/ },
  { says: 'no capturing', words: ['capture'], status: 2, shows: /CAPTURE_TOOL_MISSING/ },
  {
    says: 'no containers of Linux',
    words: ['capture', '--container', 'web'],
    status: 2,
    shows: /HOST_NOT_LINUX/,
  },
  { says: 'no lab', words: ['lab', 'run', 'unread-body'], status: 2, shows: /LAB_CANNOT_RUN/ },
  { says: 'explanations', words: ['explain', 'ECONNRESET'], status: 0, shows: /RST/ },
]

/** @returns what is not as it should be */
export function windowsWays(node: Node, place: Place): string[] {
  writeFileSync(join(place.folder, 'pasted.txt'), pastedText())
  const faults = ways.flatMap(({ says, words, status, shows }) => {
    const ended = place.tcpwhy(node, words)
    const right = ended.status === status && shows.test(ended.stdout + ended.stderr)
    return right ? [] : [faultOf(says, ended)]
  })
  return [...faults, ...manyRows(node, place)]
}

function manyRows(node: Node, place: Place): string[] {
  writeFileSync(join(place.folder, 'many.pcap'), refusedConnections())
  const rows = join(place.folder, 'rows.csv')
  rmSync(rows, { force: true })
  const ended = place.tcpwhy(node, ['many.pcap', '--quiet', '--export', 'rows.csv'])
  const lines = existsSync(rows) ? readFileSync(rows, 'latin1').split('\n').length : 0
  const right = ended.status === 1 && ended.stderr === '' && lines === CONNECTIONS + 2
  return right ? [] : [faultOf(`${CONNECTIONS} rows, ${lines} lines`, ended)]
}

function faultOf(says: string, { status, stdout, stderr }: Ended): string {
  return `${says}: exit ${status}: ${(stderr || stdout).slice(0, 300)}`
}

function pastedText(): string {
  const lines = Array.from({ length: 12 }, (_, i) => [
    `12:00:00.${100_000 + 2 * i} IP 10.0.0.1.${41_000 + i} > 10.0.0.2.80: Flags [S], seq 1, win 100, length 0`,
    `12:00:00.${100_001 + 2 * i} IP 10.0.0.2.80 > 10.0.0.1.${41_000 + i}: Flags [R.], seq 0, ack 2, win 0, length 0`,
  ])
  return `${lines.flat().join('\r\n')}\r\n`
}

/** SYN and RST,ACK, from as many ports. */
function refusedConnections(): Uint8Array {
  const records = Array.from({ length: CONNECTIONS }, (_, i) => {
    const timeNs = 1_700_000_000_000_000_000n + BigInt(i) * 1_000_000n
    const port = 20_000 + i
    return [
      { timeNs, data: segment({ from: [1, port], to: [2, 80], seq: 1, ack: 0, flags: 0x02 }) },
      {
        timeNs: timeNs + 50_000n,
        data: segment({ from: [2, 80], to: [1, port], seq: 0, ack: 2, flags: 0x14 }),
      },
    ]
  })
  return pcapFile({ records: records.flat(), link: 101 })
}

/** IPv4 (RFC 791 §3.1) and TCP (RFC 9293 §3.1) without options; `from` and `to`: the last octet of 10.0.0.x, the port. */
function segment(of: {
  from: readonly [number, number]
  to: readonly [number, number]
  seq: number
  ack: number
  flags: number
}): Uint8Array {
  const octets = new Uint8Array(40)
  const view = new DataView(octets.buffer)
  view.setUint16(0, 0x4500)
  view.setUint16(2, octets.length)
  view.setUint16(8, 0x4006)
  view.setUint32(12, 0x0a00_0000 + of.from[0])
  view.setUint32(16, 0x0a00_0000 + of.to[0])
  view.setUint16(20, of.from[1])
  view.setUint16(22, of.to[1])
  view.setUint32(24, of.seq)
  view.setUint32(28, of.ack)
  view.setUint16(32, 0x5000 + of.flags)
  return octets
}
