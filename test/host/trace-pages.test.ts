import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { formatEndpoint } from '../../src/base/addresses.ts'
import type { Endpoint } from '../../src/host/facts.ts'
import {
  decodeEvents,
  endpointOf,
  sockaddrOf,
  type TraceEvent,
} from '../../src/host/tracefs/events.ts'
import { parseFormat, parseHeaderPage, type TraceFormat } from '../../src/host/tracefs/format.ts'
import { root } from '../helpers/built.ts'
import { fileOf } from '../helpers/recorded-host.ts'

const FOLDER = 'test/hosts/6.18/tracefs'
const EVENTS = [
  'tcp/tcp_send_reset',
  'tcp/tcp_receive_reset',
  'sock/inet_sock_set_state',
  'tcp/tcp_retransmit_skb',
  'skb/kfree_skb',
  'syscalls/sys_exit_accept4',
]
const layout = parseHeaderPage(fileOf(FOLDER, 'events/header_page'))!
const formats = new Map<number, TraceFormat>()
for (const name of EVENTS) {
  const format = parseFormat(fileOf(FOLDER, `events/${name}/format`))!
  formats.set(format.id, format)
}
const formatOf = (name: string) => [...formats.values()].find((format) => format.name === name)!

function decoded(name: string) {
  const events: TraceEvent[] = []
  const octets = new Uint8Array(readFileSync(join(root, FOLDER, `${name}.bin`)))
  const of = { layout, formats, littleEndian: true }
  return { result: decodeEvents(octets, of, (event) => events.push(event)), events }
}

describe('the format files', () => {
  test('a page has a time, the length of its data, and the data', () => {
    const sizes = { timestampAt: 0, commitAt: 8, commitSize: 8, dataAt: 16, pageSize: 4096 }
    expect(layout).toEqual(sizes)
  })

  test('the reasons of a reset are read, not known', () => {
    const { symbols } = formatOf('tcp_send_reset')
    expect(symbols.get('reason')?.get(11)).toBe('TCP_ABORT_ON_CLOSE')
    expect(symbols.get('reason')?.get(1)).toBe('NO_SOCKET')
    expect(symbols.get('state')?.get(10)).toBe('TCP_LISTEN') // printed by the name of a C constant
    expect(formatOf('kfree_skb').symbols.get('reason')?.get(40)).toBe('TCP_LISTEN_OVERFLOW')
  })

  test('arrays, pointers and signs', () => {
    const fields = Object.fromEntries(formatOf('tcp_send_reset').fields.map((f) => [f.name, f]))
    expect(fields['saddr']).toMatchObject({ type: '__u8', offset: 32, size: 28, array: true })
    expect(fields['skaddr']).toMatchObject({ type: 'const void *', size: 8, array: false })
    expect(fields['state']).toMatchObject({ type: 'int', signed: true })
  })

  test('dynamic fields', () => {
    const text = 'name: x\nID: 7\n\tfield:__data_loc char[] name;\toffset:8;\tsize:4;\tsigned:0;\n'
    expect(parseFormat(text)?.fields).toEqual([
      {
        name: 'name',
        type: 'char[]',
        offset: 8,
        size: 4,
        signed: false,
        array: false,
        dynamic: 'data',
      },
    ])
  })

  test.each(['', 'name: x', 'ID: 5', 'name: x\nID: 123456789'])('no format: %j', (text) => {
    expect(parseFormat(text)).toBeNull()
  })

  test.each(['', 'field: u64 timestamp;	offset:0;	size:8;	signed:0;'])('no page: %j', (text) => {
    expect(parseHeaderPage(text)).toBeNull()
  })
})

// " python3-21994   [000] ..s1.  7263.286354: tcp_send_reset: skbaddr=... src=127.0.0.1:31085 ... reason=NO_SOCKET"
const LINE = /^ +\S+-(\d+) +\[(\d+)\] (\S{5}) +([\d.]+): (\w+): (.*)$/

describe('pages say what the text trace says', () => {
  const lines = (name: string) =>
    fileOf(FOLDER, `${name}.txt`)
      .split('\n')
      .filter((line) => LINE.test(line))

  test.each(['resets', 'lost'])('%s: the same events in the same order', (name) => {
    const cpus = [0, 1].map((cpu) => decoded(`${name}.cpu${cpu}`))
    const events = cpus.flatMap(({ events }) => events)
    const inOrder = events.sort((a, b) => (a.timeNs < b.timeNs ? -1 : 1))
    expect(inOrder.map(shown)).toEqual(lines(name).map(withoutPointers))
    for (const { result } of cpus) expect(result).toMatchObject({ odd: 0, unknown: 0 })
  })

  test('the resets that were made', () => {
    const { events } = decoded('resets.cpu0')
    const all = [...events, ...decoded('resets.cpu1').events]
    const reasons = all.map(({ names }) => names.get('reason')).filter((reason) => reason)
    expect(reasons).toEqual(['NO_SOCKET', 'TCP_ABORT_ON_CLOSE', 'TCP_STATE', 'NO_SOCKET'])
    const received = all.find((event) => event.name === 'tcp_receive_reset')
    expect(received?.fields.get('sock_cookie')).toEqual(expect.any(BigInt))
  })

  test('what was overwritten is counted as the kernel counts it', () => {
    for (const cpu of [0, 1]) {
      const stats = fileOf(FOLDER, `lost.cpu${cpu}.stats`)
      const { result, events } = decoded(`lost.cpu${cpu}`)
      expect(result.lost).toBe(Number(/^overrun: (\d+)$/m.exec(stats)?.[1]))
      expect(events).toHaveLength(Number(/^read events: (\d+)$/m.exec(stats)?.[1]))
      expect(result.lostUncounted).toBe(false)
    }
    expect(decoded('lost.cpu0').result.lost).toBeGreaterThan(100)
  })

  function shown(event: TraceEvent): string {
    const us = (event.timeNs + 500n) / 1000n // rounded as the kernel does
    const time = `${us / 1_000_000n}.${String(us % 1_000_000n).padStart(6, '0')}`
    return `${event.pid} ${event.softirq} ${time} ${event.name} ${detail(event)}`
  }

  function detail(event: TraceEvent): string {
    if (event.name === 'tcp_send_reset') {
      const at = (name: string) => text(sockaddrOf(event.fields.get(name), true))
      const state = event.names.get('state') ?? 'UNKNOWN'
      return `src=${at('saddr')} dest=${at('daddr')} state=${state} reason=${event.names.get('reason')}`
    }
    const ends = `${text(endpointOf(event, 's'))} ${text(endpointOf(event, 'd'))}`
    const cookie = event.fields.get('sock_cookie')
    const rest =
      typeof cookie === 'bigint'
        ? `sock_cookie=${cookie.toString(16)}`
        : `oldstate=${event.names.get('oldstate')} newstate=${event.names.get('newstate')}`
    return `${event.names.get('family')} ${ends} ${rest}`
  }

  function withoutPointers(line: string): string {
    const [, pid, , flags = '', time, name, rest = ''] = LINE.exec(line)!
    const inSoftirq = /[hHsZz]/.test(flags[2] ?? '')
    return `${pid} ${inSoftirq} ${time} ${name} ${name === 'tcp_send_reset' ? rest.replace(/^.*?(?=src=)/, '') : shortened(rest)}`
  }

  function shortened(rest: string): string {
    const value = (name: string) => new RegExp(`\\b${name}=(\\S+)`).exec(rest)?.[1] ?? ''
    const six = value('family') === 'AF_INET6'
    const end = (e: string) =>
      formatEndpoint(value(six ? `${e}addrv6` : `${e}addr`), Number(value(`${e}port`)))
    return `${value('family')} ${end('s')} ${end('d')} ${rest.replace(/^.*?(?=oldstate=|sock_cookie=)/, '')}`
  }

  function text(end: Endpoint | null): string {
    return end === null ? 'null' : formatEndpoint(end.address, end.port)
  }
})
