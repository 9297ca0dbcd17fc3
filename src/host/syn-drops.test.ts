import { describe, expect, test } from 'vitest'
import { kernelEvent, machine } from '../../test/helpers/machine.ts'
import type { EventsFacts, KernelEvent } from './events.ts'
import { synDropsOf } from './syn-drops.ts'

const CLIENT = { address: '10.0.0.1', port: 40_000 }
const SERVER = { address: '10.0.0.2', port: 80 }
const KEY = '10.0.0.1 40000 10.0.0.2 80'

const us = (n: number) => BigInt(n) * 1000n
const syn = (atUs: number, port = 40_000): Partial<KernelEvent> => ({
  kind: 'retransmit',
  state: 'SYN-SENT',
  timeNs: us(atUs),
  local: { ...CLIENT, port },
  remote: SERVER,
})
const data = (atUs: number) => ({ ...syn(atUs), state: 'ESTABLISHED' as const })
const fell = (atUs: number, reason = 'NETFILTER_DROP'): Partial<KernelEvent> => ({
  kind: 'drop',
  reason,
  timeNs: us(atUs),
})

function told(events: readonly Partial<KernelEvent>[], of: Partial<EventsFacts> = {}) {
  const all = machine({ events: events.map(kernelEvent) }).events!
  return synDropsOf({ ...all, ...of })
}

describe('a repeated SYN and a dropped packet', () => {
  test.each<[string, readonly Partial<KernelEvent>[], object]>([
    ['in the same moment', [syn(0), fell(50)], { repeats: 1, dropped: 1, untouched: 0 }],
    [
      'the drop is told first, on the way out',
      [fell(0), syn(4)],
      { repeats: 1, dropped: 1, untouched: 0 },
    ],
    ['near miss: nothing is dropped', [syn(0)], { repeats: 1, dropped: 0, untouched: 1 }],
    [
      'near miss: dropped for another reason',
      [syn(0), fell(5, 'NO_SOCKET')],
      { repeats: 1, dropped: 0, untouched: 1 },
    ],
    [
      'near miss: half a second later',
      [syn(0), fell(500_000)],
      { repeats: 1, dropped: 0, untouched: 1 },
    ],
    [
      'unknown: some milliseconds later',
      [syn(0), fell(9000)],
      { repeats: 1, dropped: 0, untouched: 0 },
    ],
    [
      'unknown: two SYNs and one drop',
      [syn(0), syn(9, 40_001), fell(50)],
      { repeats: 1, dropped: 0, untouched: 0 },
    ],
    [
      'unknown: data was repeated in that moment too',
      [syn(0), data(9), fell(50)],
      { repeats: 1, dropped: 0, untouched: 0 },
    ],
    [
      'two SYNs and two drops',
      [syn(0), fell(9), syn(20, 40_001), fell(50)],
      { repeats: 1, dropped: 1, untouched: 0 },
    ],
  ])('%s', (_, events, expected) => {
    expect(told(events)?.bySocket.get(KEY)).toEqual(expected)
  })
})

test.each<[string, Partial<EventsFacts>]>([
  ['events were lost', { lost: 1 }],
  ['the kernel tells no reasons', { dropReasons: false }],
  [
    'more was dropped than is kept',
    {
      groups: [
        {
          kind: 'drop',
          reason: 'NETFILTER_DROP',
          service: null,
          side: null,
          pid: null,
          count: 2,
          firstNs: 0n,
          lastNs: 0n,
        },
      ],
    },
  ],
])('cannot tell: %s', (_, of) => {
  expect(told([syn(0), fell(50)], of)).toBeNull()
})
