import { describe, expect, test } from 'vitest'
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

test('a process is known by its pid and start time', () => {
  expect(startTimeOf(process.pid)).toMatch(/^\d+$/)
  expect(startTimeOf(2 ** 30)).toBe('')
})

test('a condition that never comes true ends with what was waited for', async () => {
  await expect(until('the moon', () => false, { deadlineMs: 1 })).rejects.toThrow('the moon')
})
