import { describe, expect, test } from 'vitest'
import { parseReset } from './kernel-reasons.ts'
import { startTimeOf } from './slot.ts'
import { Undo } from './undo.ts'
import { until } from './wait.ts'

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

describe('the kernel about a reset', () => {
  test('from an interrupt: whoever was interrupted is not to blame', () => {
    const line =
      '          nginx-812     [001] ..s1.   55.123456: tcp_send_reset: skbaddr=00 skaddr=00 src=10.64.2.2:80 dest=10.64.1.2:41001 state=TCP_LISTEN reason=INVALID_SYN'
    expect(parseReset(line)).toEqual({
      atMs: 55_123.456,
      from: '10.64.2.2:80',
      to: '10.64.1.2:41001',
      state: 'TCP_LISTEN',
      reason: 'INVALID_SYN',
      process: null,
    })
  })

  test('from a process, before Linux 6.10, whose name has spaces', () => {
    const line =
      '  my server x-77      [000] .....   1.000000: tcp_send_reset: skbaddr=00 skaddr=00 src=10.64.2.2:80 dest=10.64.1.2:41001 state=TCP_CLOSE'
    expect(parseReset(line)).toMatchObject({
      process: 'my server x',
      reason: '?',
      state: 'TCP_CLOSE',
    })
  })

  test('other lines are passed over', () => {
    expect(parseReset('# tracer: nop')).toBeNull()
  })
})

test('a process is known by its pid and start time', () => {
  expect(startTimeOf(process.pid)).toMatch(/^\d+$/)
  expect(startTimeOf(2 ** 30)).toBe('')
})

test('a condition that never comes true ends with what was waited for', async () => {
  await expect(until('the moon', () => false, { deadlineMs: 1 })).rejects.toThrow('the moon')
})
