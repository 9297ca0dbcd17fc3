import { describe, expect, test } from 'vitest'
import type { EventsRecording, KernelEvent } from '../../src/host/events.ts'
import { resetStory } from '../../src/host/reset-story.ts'
import { parseFormat, type TraceFormat } from '../../src/host/tracefs/format.ts'
import { eventsOf } from '../../src/host/tracefs/replay.ts'
import { planWatch } from '../../src/host/tracefs/watched.ts'
import { fileOf } from '../helpers/recorded-host.ts'

// Formats made from the kernel's source, which test/hosts/README.md cites; records made from the formats.
const EVENTS: Record<string, string[]> = {
  '4.19': ['tcp/tcp_send_reset', 'tcp/tcp_receive_reset', 'sock/inet_sock_set_state'],
  '5.10': ['tcp/tcp_send_reset', 'tcp/tcp_receive_reset', 'skb/kfree_skb'],
  '6.1': ['tcp/tcp_send_reset', 'tcp/tcp_receive_reset'],
  '6.10': ['tcp/tcp_send_reset'],
}
const TASK = 4242

const textsOf = (kernel: string) =>
  Object.fromEntries(
    EVENTS[kernel]!.map((event) => [
      event,
      fileOf(`test/hosts/${kernel}/tracefs`, `events/${event}/format`),
    ]),
  )

type Values = Record<string, number | bigint | number[]>

function recordOf(format: TraceFormat, values: Values): Uint8Array {
  const end = Math.max(...format.fields.map(({ offset, size }) => offset + size))
  const octets = new Uint8Array(Math.ceil(end / 4) * 4)
  const view = new DataView(octets.buffer)
  const all: Values = { common_type: format.id, common_pid: TASK, ...values }
  for (const { name, offset, size } of format.fields) {
    const value = all[name] ?? 0
    if (Array.isArray(value)) octets.set(value, offset)
    else if (size === 8) view.setBigUint64(offset, BigInt(value), true)
    else if (size === 4) view.setInt32(offset, Number(value), true)
    else if (size === 2) view.setUint16(offset, Number(value), true)
    else view.setUint8(offset, Number(value))
  }
  return octets
}

/** A page with one record: time 0, length in a word of its own. */
function pageOf(record: Uint8Array): Uint8Array {
  const octets = new Uint8Array(4096)
  const view = new DataView(octets.buffer)
  view.setBigUint64(0, 1_000n, true)
  view.setBigUint64(8, BigInt(8 + record.length), true)
  view.setUint32(20, record.length + 4, true)
  octets.set(record, 24)
  return octets
}

function eventOf(
  kernel: string,
  event: string,
  values: Values,
): { event: KernelEvent; recording: EventsRecording } {
  const formats = textsOf(kernel)
  const format = parseFormat(formats[event]!)!
  const recording: EventsRecording = {
    littleEndian: true,
    arch: 'x64',
    headerPage: fileOf('test/hosts/6.18/tracefs', 'events/header_page'),
    formats,
    pages: [{ cpu: 0, octets: pageOf(recordOf(format, values)) }],
    pagesLeftOut: 0,
    tasks: {},
    overrun: 0,
    fromNs: null,
    toNs: null,
    establishedUntilNs: null,
    realtimeOffsetNs: null,
    missing: [],
  }
  const facts = eventsOf(recording)
  expect(facts).toMatchObject({ odd: 0, lost: 0 })
  expect(facts.events).toHaveLength(1)
  return { event: facts.events[0]!, recording }
}

const mapped = (...v4: number[]) => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...v4]
const v4: Values = {
  skaddr: 0xffff888000001000n,
  sport: 443,
  dport: 50000,
  saddr: [10, 0, 0, 1],
  daddr: [10, 0, 0, 2],
  saddr_v6: mapped(10, 0, 0, 1),
  daddr_v6: mapped(10, 0, 0, 2),
  family: 2,
}
const v6: Values = {
  ...v4,
  saddr: [0, 0, 0, 0],
  daddr: [0, 0, 0, 0],
  saddr_v6: [0x20, 1, 0xd, 0xb8, ...Array<number>(11).fill(0), 1],
  daddr_v6: [0x20, 1, 0xd, 0xb8, ...Array<number>(11).fill(0), 2],
  family: 10,
}

describe.each(['4.19', '5.10', '6.1'])('Linux %s', (kernel) => {
  test('a reset that is sent: its ends, its state as far as it is told, and no reason', () => {
    const { event } = eventOf(kernel, 'tcp/tcp_send_reset', { ...v4, state: 7 })
    expect(event).toMatchObject({
      kind: 'reset-sent',
      local: { address: '10.0.0.1', port: 443 },
      remote: { address: '10.0.0.2', port: 50000 },
      state: kernel === '4.19' ? null : 'CLOSED',
      reason: null,
      answers: false,
      pid: TASK,
    })
  })

  test('IPv6 is told from IPv4, whether or not the event has a family', () => {
    const { event } = eventOf(kernel, 'tcp/tcp_receive_reset', { ...v6, sock_cookie: 77n })
    expect(event).toMatchObject({
      kind: 'reset-received',
      local: { address: '2001:db8::1', port: 443 },
      remote: { address: '2001:db8::2', port: 50000 },
      cookie: 77n,
    })
  })

  test('what closing can have been is listed, with what would decide', () => {
    const { event, recording } = eventOf(kernel, 'tcp/tcp_send_reset', { ...v4, state: 7 })
    const context = { events: eventsOf(recording), abortOnOverflow: null, listenOverflows: null }
    const story = resetStory(event, context)
    expect(story.causes.slice(0, 2)).toEqual(['close-with-unread-data', 'linger-zero'])
    expect(story.causes).not.toContain('syn-to-closed-port')
    expect(story.decides).toContain('kernel-reason')
    expect(story.culprit?.pid).toBe(TASK)
  })

  test('a watch says that reasons are missing', () => {
    const texts = textsOf(kernel)
    const plan = planWatch({
      format: (event) => texts[event] ?? null,
      release: kernel,
      arch: 'x64',
    })
    expect(plan.resetReasons).toBe('none')
    expect(plan.missing).toContainEqual({
      what: 'tcp/tcp_send_reset',
      why: 'no-reasons',
      adds: 'reset-reasons',
      detail: kernel,
    })
    expect(plan.events.map(({ event }) => event)).not.toContain('skb/kfree_skb')
  })
})

test('4.19: states are filtered by the same names as today', () => {
  const texts = textsOf('4.19')
  const plan = planWatch({ format: (event) => texts[event] ?? null, release: '4.19', arch: 'x64' })
  const states = plan.events.find(({ event }) => event === 'sock/inet_sock_set_state')
  expect(states?.filter).toMatch(/^\(protocol == 6 && .*\) \|\| \(protocol == 6 && [^|]*\)$/)
  const { event } = eventOf('4.19', 'sock/inet_sock_set_state', {
    ...v4,
    oldstate: 10,
    newstate: 7,
    protocol: 6,
  })
  expect(event).toMatchObject({ kind: 'state', from: 'LISTEN', state: 'CLOSED' })
})

test('5.10: a kernel that drops without a reason is not asked what it drops', () => {
  const texts = textsOf('5.10')
  const plan = planWatch({ format: (event) => texts[event] ?? null, release: '5.10', arch: 'x64' })
  expect(plan.dropReasons).toBe(false)
  expect(plan.missing).toContainEqual({
    what: 'skb/kfree_skb',
    why: 'no-reasons',
    adds: 'drops',
    detail: '5.10',
  })
})

describe('Linux 6.10', () => {
  const sockaddr = (port: number, ...address: number[]) => [2, 0, port >> 8, port & 255, ...address]
  const ends = { saddr: sockaddr(443, 10, 0, 0, 1), daddr: sockaddr(50000, 10, 0, 0, 2) }

  test('tells why it answers a packet with a reset', () => {
    const values = { ...ends, skaddr: 0n, skbaddr: 9n, state: 0, reason: 1 }
    const { event } = eventOf('6.10', 'tcp/tcp_send_reset', values)
    expect(event).toMatchObject({ reason: 'NO_SOCKET', answers: true, local: { port: 443 } })
  })

  test('and not why a program of its own resets', () => {
    const values = { ...ends, skaddr: 8n, skbaddr: 0n, state: 7, reason: 0 }
    const { event, recording } = eventOf('6.10', 'tcp/tcp_send_reset', values)
    const facts = eventsOf(recording)
    expect(facts.resetReasons).toBe('some')
    const context = { events: facts, abortOnOverflow: null, listenOverflows: null }
    expect(resetStory(event, context).causes).toContain('close-with-unread-data')
    const texts = textsOf('6.10')
    const plan = planWatch({ format: (name) => texts[name] ?? null, release: '6.10', arch: 'x64' })
    expect(plan.missing).toContainEqual(expect.objectContaining({ why: 'few-reasons' }))
  })
})

test('a kernel without an event for each system call is asked by the one for all of them', () => {
  const raw =
    'name: sys_exit\nID: 442\nformat:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n' +
    '\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n' +
    '\tfield:long id;\toffset:8;\tsize:8;\tsigned:1;\n\tfield:long ret;\toffset:16;\tsize:8;\tsigned:1;\n'
  const from = (arch: string) => ({
    format: (event: string) => (event === 'raw_syscalls/sys_exit' ? raw : null),
    release: '4.18',
    arch,
  })
  const plan = planWatch(from('x64'))
  expect(plan.events.map(({ event }) => event)).toEqual(['raw_syscalls/sys_exit'])
  expect(plan.events[0]?.filter).toContain('id == 288')
  expect(plan.missing.map(({ adds }) => adds)).not.toContain('failed-calls')
  expect(planWatch(from('arm64')).events[0]?.filter).toContain('id == 242')
  const elsewhere = planWatch(from('s390x'))
  expect(elsewhere.events).toEqual([])
  expect(elsewhere.missing.map(({ adds }) => adds)).toContain('failed-calls')
})
