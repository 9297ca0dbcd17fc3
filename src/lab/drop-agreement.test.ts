import { expect, test } from 'vitest'
import { machine } from '../../test/helpers/machine.ts'
import type { KernelEvent } from '../host/events.ts'
import { dropAgreement, meansDrops } from './drop-agreement.ts'
import { parseFrame } from './stage/wire-frames.ts'

const SERVER = '10.64.2.2:80'
const connections = ['10.64.1.2:40000', '10.64.1.2:40001', '10.64.1.2:40002'].map((client) => ({
  client,
  server: SERVER,
}))
/** A SYN of each, at 1, 2 and 3 s. */
const frames = connections.map(({ client, server }, n) => ({
  atMs: 1000 * (n + 1),
  from: client,
  to: server,
}))
const drop = (atMs: number, reason: string): Partial<KernelEvent> => ({
  kind: 'drop',
  reason,
  timeNs: BigInt(atMs) * 1_000_000n,
})
const eventsOf = (events: readonly Partial<KernelEvent>[]) => ({
  ...machine({ events }).events!,
  realtimeOffsetNs: 0n,
  dropReasons: true,
})
const filtered = { cause: 'connect-filtered' as const, connections }

test.each([
  ['each is dropped by a filter', [1000, 2001, 3004], 'agrees', 3],
  ['most are', [1000, 2000], 'agrees', 2],
  ['one is', [1000], 'some', 1],
  ['others are, at other times', [500, 1500, 2500], 'not-told', 0],
])('%s', (_, atMs, is, fitting) => {
  const events = eventsOf(atMs.map((ms) => drop(ms, 'NETFILTER_DROP')))
  expect(dropAgreement(filtered, frames, events)).toEqual({
    is,
    fitting,
    of: 3,
    reasons: fitting === 0 ? {} : { NETFILTER_DROP: fitting },
  })
})

test('drops for reasons that the conclusion does not mean are those of others', () => {
  const events = eventsOf([1000, 2000, 3000].map((ms) => drop(ms, 'NO_SOCKET')))
  expect(dropAgreement(filtered, frames, events)).toMatchObject({ is: 'not-told', reasons: {} })
})

test('frames of other connections do not count', () => {
  const others = frames.map((frame) => ({ ...frame, from: '10.64.1.9:1' }))
  const events = eventsOf([drop(1000, 'NETFILTER_DROP')])
  expect(dropAgreement(filtered, others, events).is).toBe('not-told')
})

test('a SYN that finds the accept queue full is dropped without a word: nothing to compare', () => {
  const accused = { cause: 'accept-queue-overflow' as const, variant: 'syn-dropped', connections }
  expect(meansDrops(accused)).toBe(false)
  expect(meansDrops({ ...accused, variant: 'ack-dropped' })).toBe(true)
  expect(dropAgreement(accused, frames, eventsOf([])).is).toBe('no-claim')
})

test('a kernel without reasons, and nobody watching, are not silence', () => {
  const before517 = { ...eventsOf([]), dropReasons: false }
  expect(dropAgreement(filtered, frames, before517).is).toBe('no-tracepoint')
  expect(dropAgreement(filtered, frames, null).is).toBe('not-watched')
  const overwritten = { ...eventsOf([]), lost: 7 }
  expect(dropAgreement(filtered, frames, overwritten).is).toBe('not-watched')
})

test('frames are read from what tcpdump prints', () => {
  const line =
    '1733000000.123456 IP 10.64.1.2.40000 > 10.64.2.2.80: Flags [S], seq 1, win 0, length 0'
  const frame = parseFrame(line)
  expect(frame).toMatchObject({ from: '10.64.1.2:40000', to: SERVER })
  expect(frame?.atMs).toBeCloseTo(1_733_000_000_123.456, 2)
  expect(parseFrame('1733000000.123456 ARP, Request who-has 10.64.1.1')).toBe(null)
})
