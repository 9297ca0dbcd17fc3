import { describe, expect, test } from 'vitest'
import { machine } from '../../../test/helpers/machine.ts'
import { withoutForeignListeners } from './own-listeners.ts'
import { startTimeOf } from './slot.ts'
import { Undo } from './undo.ts'
import { until } from './wait.ts'
import { parseReset } from './wire-resets.ts'

describe('what was done is undone', () => {
  test('last first, and all of it although one step fails', async () => {
    const done: string[] = []
    const undo = new Undo()
    undo.add('a', () => done.push('a'))
    undo.add('b', () => {
      throw new Error('stuck')
    })
    undo.add('c', async () => done.push('c'))
    expect(await undo.all()).toEqual(['b: stuck'])
    expect(done).toEqual(['c', 'a'])
    expect(await undo.all()).toEqual([])
    // Ctrl-C came while it was being made.
    undo.add('late', () => done.push('late'))
    expect(done).toEqual(['c', 'a', 'late'])
  })
})

describe('a reset in a capture, as tcpdump prints it', () => {
  test('its ends and its time', () => {
    const line =
      '1733000000.123456 IP 10.64.2.2.80 > 10.64.1.2.41001: Flags [R.], seq 1, ack 2, win 0, length 0'
    expect(parseReset(line)).toEqual({
      atMs: 1_733_000_000_123.456,
      from: '10.64.2.2:80',
      to: '10.64.1.2:41001',
      seq: 1,
    })
  })

  test('other lines are passed over', () => {
    expect(parseReset('reading from file client.pcap, link-type EN10MB (Ethernet)')).toBeNull()
  })
})

test('resets of listeners at all addresses: those of other stages are left out', () => {
  const any = { local: { address: '0.0.0.0', port: 80 }, remote: { address: '0.0.0.0', port: 0 } }
  const listens = (socket: number, pid: number) => ({
    ...{ ...any, kind: 'state' as const, state: 'LISTEN' as const, socket, pid },
  })
  const reset = (socket: number) => ({
    ...{ ...any, kind: 'reset-sent' as const, state: 'LISTEN' as const, socket, pid: null },
  })
  const { events } = machine({
    // 3 began to listen before anybody watched; 4 is of a process that is gone.
    events: [listens(1, 11), listens(2, 22), listens(4, 44), ...[1, 2, 3, 4].map(reset)],
  })
  const own = withoutForeignListeners(events!, (pid) => pid === 22)
  const resets = own.events.filter(({ kind }) => kind === 'reset-sent')
  expect(resets.map(({ socket }) => socket)).toEqual([1, 4])
  expect(withoutForeignListeners({ ...events!, lost: 1 }, () => true).events).toHaveLength(7)
})

test('a process is known by its pid and start time', () => {
  expect(startTimeOf(process.pid)).toMatch(/^\d+$/)
  expect(startTimeOf(2 ** 30)).toBe('')
})

test('a condition that never comes true ends with what was waited for', async () => {
  await expect(until('the moon', () => false, { deadlineMs: 1 })).rejects.toThrow('the moon')
})
