import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { EventsRecording } from '../../src/host/events.ts'
import { parseFormat } from '../../src/host/tracefs/format.ts'
import { eventsOf } from '../../src/host/tracefs/replay.ts'
import { planWatch } from '../../src/host/tracefs/watched.ts'
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
const formats = Object.fromEntries(
  EVENTS.map((event) => [event, fileOf(FOLDER, `events/${event}/format`)]),
)

function recording(name: string, changes: Partial<EventsRecording> = {}): EventsRecording {
  const pages = [0, 1].map((cpu) => ({
    cpu,
    octets: new Uint8Array(readFileSync(join(root, FOLDER, `${name}.cpu${cpu}.bin`))),
  }))
  return {
    littleEndian: true,
    arch: 'x64',
    headerPage: fileOf(FOLDER, 'events/header_page'),
    formats,
    pages,
    pagesLeftOut: 0,
    tasks: {},
    overrun: 0,
    fromNs: null,
    toNs: null,
    establishedUntilNs: null,
    realtimeOffsetNs: null,
    missing: [],
    ...changes,
  }
}

describe('recorded pages', () => {
  const facts = eventsOf(recording('resets'))

  test('resets have their reason, their ends, and who did it only where it was not an interrupt', () => {
    const sent = facts.events.filter(({ kind }) => kind === 'reset-sent')
    expect(
      sent.map(({ reason, state, pid, local }) => [reason, state, pid !== null, local]),
    ).toEqual([
      ['NO_SOCKET', null, false, { address: '127.0.0.1', port: 31085 }],
      ['TCP_ABORT_ON_CLOSE', 'CLOSED', true, { address: '127.0.0.1', port: 31080 }],
      ['TCP_STATE', 'CLOSED', true, { address: '127.0.0.1', port: 31080 }],
      ['NO_SOCKET', null, false, { address: '::1', port: 31086 }],
    ])
  })

  test('one socket has one number in all of its events', () => {
    const aborted = facts.events.find(({ reason }) => reason === 'TCP_ABORT_ON_CLOSE')!
    const same = facts.events.filter(({ socket }) => socket === aborted.socket)
    expect(same.map(({ kind }) => kind)).toContain('state')
    expect(new Set(same.map(({ local }) => local?.port))).toEqual(new Set([31080]))
  })

  test('a reset that is received has the state that it ended', () => {
    const received = facts.events.filter(({ kind }) => kind === 'reset-received')
    expect(received.map(({ state, afterFin }) => [state, afterFin])).toEqual([
      ['SYN-SENT', false],
      ['ESTABLISHED', false],
      ['ESTABLISHED', false],
      ['SYN-SENT', false],
    ])
    const { 'sock/inet_sock_set_state': _, ...without } = formats
    const blind = eventsOf(recording('resets', { formats: without }))
    const told = blind.events.filter(({ kind }) => kind === 'reset-received')
    expect(told.map(({ state, afterFin }) => [state, afterFin])[0]).toEqual([null, null])
  })

  test('all are counted, the first of each group are kept', () => {
    const few = eventsOf(recording('resets'), { perGroup: 1, groups: 1 })
    expect(few.counts).toEqual(facts.counts)
    expect(few.events).toHaveLength(1)
    expect(facts.counts.get('reset-sent NO_SOCKET')).toBe(2)
  })

  test('what was overwritten is told, by the pages or by the statistics', () => {
    expect(facts.lost).toBe(0)
    expect(eventsOf(recording('lost')).lost).toBeGreaterThan(100)
    expect(eventsOf(recording('resets', { overrun: 7 })).lost).toBe(7)
  })

  test('pages without their description are odd, not silently nothing', () => {
    expect(eventsOf(recording('resets', { headerPage: '' }))).toMatchObject({ events: [], odd: 2 })
    expect(eventsOf(recording('resets', { formats: {} })).odd).toBeGreaterThan(4)
  })
})

describe('what to watch', () => {
  const plan = planWatch({
    format: (event) => formats[event] ?? null,
    release: '6.18.0',
    arch: 'x64',
  })
  const filterOf = (name: string) => plan.events.find(({ event }) => event === name)?.filter

  test('numbers of reasons are read from the format file', () => {
    expect(filterOf('skb/kfree_skb')).toMatch(/\breason == 40\b/) // TCP_LISTEN_OVERFLOW here
    expect(filterOf('skb/kfree_skb')).not.toMatch(/\breason == 104\b/) // QUEUE_PURGE
    const other = formats['skb/kfree_skb']!.replace(
      '{ 40, "TCP_LISTEN_OVERFLOW" }',
      '{ 777, "TCP_LISTEN_OVERFLOW" }',
    )
    expect(parseFormat(other)?.symbols.get('reason')?.get(777)).toBe('TCP_LISTEN_OVERFLOW')
    const elsewhere = planWatch({
      format: (event) => (event === 'skb/kfree_skb' ? other : null),
      release: '6.18.0',
      arch: 'x64',
    })
    expect(elsewhere.events[0]?.filter).toMatch(/\breason == 777\b/)
  })

  test('events that the kernel lacks are named with what they would have told', () => {
    expect(plan.missing).toContainEqual({
      what: 'sched/sched_process_exit',
      why: 'no-event',
      adds: 'dying-processes',
      detail: '6.18.0',
    })
    expect(plan.resetReasons).toBe('full')
  })
})
