import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { SocketFact } from '../../src/host/facts.ts'
import { decodeTcpInfo, tcpInfoField } from '../../src/host/kernel/tcp-info.ts'
import { type DiagSocket, decodeDump, encodeDump } from '../../src/host/netlink/sock-diag.ts'
import { procSockets } from '../../src/host/proc-sockets.ts'
import { listenersOf } from '../../src/host/readers/listeners.ts'
import { root } from '../helpers/built.ts'
import { fileOf, hostFrom, sceneOf } from '../helpers/recorded-host.ts'

const FOLDER = 'test/hosts/6.18'
const scene = sceneOf(FOLDER)
const bytesOf = (name: string) => new Uint8Array(readFileSync(join(root, FOLDER, name)))
const dumped = ['inet', 'inet6'].flatMap((name) => decoded(bytesOf(`sock-diag-${name}.bin`)).found)

function decoded(octets: Uint8Array) {
  const found: DiagSocket[] = []
  return { part: decodeDump(octets, true, (socket) => found.push(socket)), found }
}

/** IPv4 sockets are dumped with IPv6 ones too where a socket of that family carries them. */
const keyOf = ({ local, remote }: Pick<SocketFact, 'local' | 'remote'>) =>
  `${local.address} ${local.port} ${remote.address} ${remote.port}`

describe('the request', () => {
  test.each([
    ['inet', 4],
    ['inet6', 6],
  ] as const)('%s: the octets that the recorded kernel answered', (name, family) => {
    const request = encodeDump({ family, sequence: 1, littleEndian: true })
    expect(request).toEqual(bytesOf(`sock-diag-${name}.request`))
  })

  test('only some states', () => {
    const request = encodeDump({ family: 4, states: 1 << 10, sequence: 7, littleEndian: false })
    const view = new DataView(request.buffer)
    expect(view.getUint32(8)).toBe(7)
    expect(view.getUint32(20)).toBe(1024)
  })
})

describe('the answer', () => {
  test('is complete', () => {
    const { part } = decoded(bytesOf('sock-diag-inet.bin'))
    expect(part).toEqual({ done: true, errno: 0, interrupted: false, odd: 0 })
  })

  test('says what /proc says: the same sockets, the same numbers', () => {
    const proc = procSockets(hostFrom(FOLDER), '/proc/net', {}).sockets
    expect(new Set(proc.map(keyOf))).toEqual(new Set(dumped.map(keyOf)))
    const byKey = new Map(dumped.map((socket) => [keyOf(socket), socket]))
    for (const socket of proc) {
      const diag = byKey.get(keyOf(socket))!
      const { state, family, idiag_rqueue, retransmits, uid, inode } = diag
      const limit = state === 'LISTEN' ? null : diag.idiag_wqueue
      expect({ state, family, idiag_rqueue, idiag_wqueue: limit, retransmits, uid, inode }).toEqual(
        {
          state: socket.state,
          family: socket.family,
          idiag_rqueue: socket.idiag_rqueue,
          idiag_wqueue: socket.idiag_wqueue,
          retransmits: socket.retransmits,
          uid: socket.uid,
          inode: socket.inode,
        },
      )
      expect(diag.timer?.kind).toBe(socket.timer?.kind)
      // Not the same moment: a timer ran on by some milliseconds.
      const apart = (socket.timer?.expiresMs ?? 0) - (diag.timer?.expiresMs ?? 0)
      expect(Math.abs(apart)).toBeLessThan(500)
    }
  })

  test('a listener has its limit', () => {
    const found = listenersOf(dumped).find(({ local }) => local.port === scene.port + 1)
    expect(found).toMatchObject({ depth: 2, limit: 1 })
    const drops = dumped.find(({ inode }) => inode === found?.inode)?.skmem
    expect(drops?.drops).toBe(1)
  })

  test('cgroup, congestion control, mark and shutdown', () => {
    const established = dumped.find(({ state }) => state === 'ESTABLISHED')
    expect(established).toMatchObject({ cgroupId: 1n, mark: 0, shutdown: 0 })
    expect(established?.congestionControl).toMatch(/^(cubic|reno|bbr)$/)
    const closeWait = dumped.find(({ state }) => state === 'CLOSE-WAIT')
    expect(closeWait?.shutdown).toBe(1)
  })
})

// "CLOSE-WAIT 10 0 127.0.0.1:31080 127.0.0.1:41854 ino:949846 sk:7 cgroup:/ --> skmem:(r841,...) cubic ... rto:204 rtt:..."
describe('the same numbers as ss printed at that moment', () => {
  const lines = fileOf(FOLDER, 'ss-tanoiem.txt').trim().split('\n')
  const NAMES: Record<string, string> = {
    ESTAB: 'ESTABLISHED',
    'SYN-RECV': 'SYN-RECEIVED',
  }

  test('as many', () => {
    expect(dumped).toHaveLength(lines.length)
  })

  test.each(lines)('%.110s', (line) => {
    const [state = '', rqueue, wqueue, local = '', remote = ''] = line.split(/ +/)
    const found = dumped.filter((socket) => ssOf(socket) === `${local} ${remote}`)
    expect(found).toHaveLength(1)
    const [socket] = found
    expect(socket?.state).toBe(NAMES[state] ?? state)
    expect([socket?.idiag_rqueue, socket?.idiag_wqueue]).toEqual([Number(rqueue), Number(wqueue)])
    expect(socket?.inode).toBe(Number(/ino:(\d+)/.exec(line)?.[1] ?? 0))
    expect(socket?.cookie.toString(16)).toBe(/ sk:([\da-f]+)/.exec(line)?.[1])
    const skmem =
      /skmem:\(r(\d+),rb(\d+),t(\d+),tb(\d+),f(\d+),w(\d+),o(\d+),bl(\d+),d(\d+)\)/.exec(line)
    if (skmem !== null) {
      expect(Object.values(socket?.skmem ?? {})).toEqual(skmem.slice(1).map(Number))
    }
    sameInfo(line, socket?.tcpInfoOctets ?? null)
  })

  /** Fields of ss with the kernel's and how many of the kernel's units one of ss is. */
  const FIELDS = [
    [/ cwnd:(\d+)/, 'tcpi_snd_cwnd', 1],
    [/ mss:(\d+)/, 'tcpi_snd_mss', 1],
    [/ advmss:(\d+)/, 'tcpi_advmss', 1],
    [/ pmtu:(\d+)/, 'tcpi_pmtu', 1],
    [/ rto:([\d.]+)/, 'tcpi_rto', 1000],
    [/ rtt:([\d.]+)/, 'tcpi_rtt', 1000],
    [/ bytes_sent:(\d+)/, 'tcpi_bytes_sent', 1],
    [/ bytes_received:(\d+)/, 'tcpi_bytes_received', 1],
    [/ segs_out:(\d+)/, 'tcpi_segs_out', 1],
    [/ segs_in:(\d+)/, 'tcpi_segs_in', 1],
    [/ minrtt:([\d.]+)/, 'tcpi_min_rtt', 1000],
    [/ snd_wnd:(\d+)/, 'tcpi_snd_wnd', 1],
  ] as const

  function sameInfo(line: string, octets: Uint8Array | null): void {
    if (octets === null) return
    const info = decodeTcpInfo(octets, true)
    for (const [pattern, field, units] of FIELDS) {
      const shown = pattern.exec(line)?.[1]
      if (shown === undefined) continue
      expect(Math.abs((info[field] ?? -1) - Number(shown) * units), field).toBeLessThan(1)
    }
    const scale = / wscale:(\d+),(\d+)/.exec(line)
    if (scale !== null) {
      expect([info.tcpi_snd_wscale, info.tcpi_rcv_wscale]).toEqual(scale.slice(1).map(Number))
    }
  }

  function ssOf({ local, remote, family, v6only }: DiagSocket): string {
    const shown = ({ address, port }: SocketFact['local']) => {
      const any = address === '::' ? (v6only === false ? '*' : '[::]') : address
      const host = family === 6 && any.includes(':') && !any.startsWith('[') ? `[${any}]` : any
      return `${host}:${port === 0 ? '*' : port}`
    }
    return `${shown(local)} ${shown(remote)}`
  }
})

describe('tcp_info', () => {
  const established = dumped.find(({ state }) => state === 'ESTABLISHED')!.tcpInfoOctets!

  test('has 280 octets on 6.18 and the fields of all of them', () => {
    expect(established).toHaveLength(280)
    expect(decodeTcpInfo(established, true).tcpi_received_ce_bytes).toBeDefined()
  })

  test('of an older kernel is shorter: the fields that it has are the same', () => {
    const whole = decodeTcpInfo(established, true)
    for (let length = 0; length <= established.length; length++) {
      const shorter = decodeTcpInfo(established.subarray(0, length), true)
      expect(whole).toMatchObject(shorter)
      expect(shorter.tcpi_total_retrans !== undefined).toBe(length >= 104) // up to 3.14
      expect(shorter.tcpi_snd_wnd !== undefined).toBe(length >= 232)
    }
  })

  test('one field alone is the same number', () => {
    expect(tcpInfoField(established, 'tcpi_rtt', true)).toBe(
      decodeTcpInfo(established, true).tcpi_rtt,
    )
    expect(tcpInfoField(established.subarray(0, 104), 'tcpi_bytes_acked', true)).toBeNull()
  })
})

describe('hostile answers', () => {
  const whole = bytesOf('sock-diag-inet.bin')

  test('cut at every length: no throw, and what was whole is still read', () => {
    for (let length = 0; length < whole.length; length++) {
      const { part, found } = decoded(whole.subarray(0, length))
      expect(found.length).toBeLessThanOrEqual(20)
      expect(part.done).toBe(false)
    }
  })

  test('an error of the kernel ends the dump with its number', () => {
    const error = new Uint8Array(36)
    const view = new DataView(error.buffer)
    view.setUint32(0, 36, true)
    view.setUint16(4, 2, true)
    view.setInt32(16, -2, true)
    expect(decoded(error).part).toEqual({ done: true, errno: 2, interrupted: false, odd: 0 })
  })

  test('a table that changed meanwhile is said so', () => {
    const changed = whole.slice()
    changed[6]! |= 0x10
    expect(decoded(changed).part.interrupted).toBe(true)
  })

  test('a length of 0 does not loop', () => {
    expect(decoded(new Uint8Array(64)).part).toMatchObject({ odd: 1, done: false })
  })
})
