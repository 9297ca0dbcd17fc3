import { expect, test } from 'vitest'
import { machine as machineOf } from '../../test/helpers/machine.ts'
import type { EventsFacts } from './events.ts'
import { listenerRates } from './listener-rates.ts'
import type { HostSnapshot, ListenerSnapshot, NetnsSnapshot } from './snapshot.ts'

type Row = Partial<ListenerSnapshot>

const at = (address: string, port = 80) => ({ address, port })

function looks(after: readonly Row[], before: readonly Row[] = after) {
  return machineOf({
    listeners: after.map((l, i) => ({ inode: 500 + i, ...l })),
    listenersBefore: before.map((l, i) => ({ inode: 500 + i, ...l })),
    events: [],
  })
}

function rates(
  machine: ReturnType<typeof looks>,
  ends: NonNullable<EventsFacts['established']>['ends'],
  { lost = 0, untilNs = 3_000_000_000n, established = true } = {},
) {
  const events: EventsFacts = {
    ...machine.events!,
    lost,
    established: established ? { untilNs, ends, unlisted: 0 } : null,
  }
  const { before, after } = machine
  return [...listenerRates({ before, after, events }).values()]
}

const came = (count: number, address = '10.0.0.1', port = 80) => ({
  local: { address, port },
  count,
})

test('what came is counted, what was accepted follows from the queue', () => {
  const machine = looks([{ local: at('0.0.0.0'), depth: 0 }])
  expect(rates(machine, [came(30)])).toEqual([
    {
      is: 'known',
      newPerSecond: 10,
      acceptedPerSecond: 10,
      acceptedWithin: 0,
      listeners: 1,
      forMs: 3000,
    },
  ])
})

test('near miss: nobody accepts, so all that came waits', () => {
  const machine = looks([{ local: at('0.0.0.0'), depth: 30 }], [{ local: at('0.0.0.0'), depth: 0 }])
  expect(rates(machine, [came(30)])).toMatchObject([{ newPerSecond: 10, acceptedPerSecond: 0 }])
})

test('a queue that was looked at a little later than counting began says how far the number can be off', () => {
  const machine = looks([{ local: at('0.0.0.0'), depth: 29 }], [{ local: at('0.0.0.0'), depth: 2 }])
  // 30 came, the queue grew by 27: 3 may have been accepted, or have come before the first look at the queue.
  expect(rates(machine, [came(30)])).toMatchObject([{ acceptedPerSecond: 1, acceptedWithin: 2.3 }])
})

test('a busy listener of which counting ended early', () => {
  const machine = looks([{ local: at('10.0.0.1'), depth: 0 }])
  const found = rates(machine, [came(10_000)], { untilNs: 500_000_000n })
  expect(found).toMatchObject([{ newPerSecond: 20_000, acceptedPerSecond: 20_000, forMs: 500 }])
})

test('each end goes to the nearest listener: own address, any of IPv4, any of IPv6 that takes IPv4 too', () => {
  const machine = looks([
    { local: at('10.0.0.1') },
    { local: at('0.0.0.0') },
    { local: at('::'), family: 6, v6only: false },
  ])
  const found = rates(machine, [came(3), came(6, '10.0.0.2'), came(9, '2001:db8::1')])
  expect(found).toMatchObject([{ newPerSecond: 1 }, { newPerSecond: 2 }, { newPerSecond: 3 }])
})

test('near miss: an IPv6-only listener takes no IPv4', () => {
  const machine = looks([{ local: at('::'), family: 6, v6only: true }])
  expect(rates(machine, [came(3)])).toMatchObject([{ newPerSecond: 0 }])
})

test('near miss: another port', () => {
  const machine = looks([{ local: at('0.0.0.0') }])
  expect(rates(machine, [came(3, '10.0.0.1', 81)])).toMatchObject([{ newPerSecond: 0 }])
})

test('listeners that share the port have one number', () => {
  const machine = looks([{ local: at('0.0.0.0') }, { local: at('0.0.0.0') }])
  const one = { newPerSecond: 1, listeners: 2 }
  expect(rates(machine, [came(3)])).toMatchObject([one, one])
})

test.each([
  ['events were lost', { lost: 1 }, 'lost'],
  ['the event was not to be had', { established: false }, 'no-events'],
] as const)('unknown: %s', (_, how, why) => {
  const machine = looks([{ local: at('0.0.0.0') }])
  expect(rates(machine, [came(3)], how)).toEqual([{ is: 'unknown', why }])
})

test('unknown: it began to listen meanwhile, or another one at its port ceased to', () => {
  const one = { local: at('0.0.0.0'), inode: 1 }
  const other = { local: at('0.0.0.0'), inode: 2 }
  expect(rates(looks([other], [one]), [])).toEqual([{ is: 'unknown', why: 'new' }])
  expect(rates(looks([one], [one, other]), [])).toEqual([{ is: 'unknown', why: 'new' }])
})

function twoNamespaces(addresses: readonly (readonly string[])[]) {
  const machine = looks([{ local: at('0.0.0.0') }])
  const [first] = machine.after.namespaces as [NetnsSnapshot]
  const both = (seen: HostSnapshot): HostSnapshot => ({
    ...seen,
    namespaces: addresses.map((own, i) => ({
      ...first,
      id: i,
      listeners: first.listeners.map((l) => ({ ...l, inode: 700 + i })),
      addresses: own,
    })),
  })
  return { ...machine, before: both(machine.before!), after: both(machine.after) }
}

test('two namespaces with a listener at any address: their own addresses tell which', () => {
  const machine = twoNamespaces([['10.0.0.1'], ['10.0.0.2']])
  const found = rates(machine, [came(3), came(6, '10.0.0.2')])
  expect(found).toMatchObject([{ newPerSecond: 1 }, { newPerSecond: 2 }])
})

test.each([
  ['loopback is in both', [['10.0.0.1'], ['10.0.0.2']], '127.0.0.1'],
  ['both have the address', [['10.0.0.1'], ['10.0.0.1']], '10.0.0.1'],
  ['nobody knows their addresses', [[], []], '10.0.0.1'],
] as const)('unknown: two namespaces, and %s', (_, addresses, address) => {
  const unknown = { is: 'unknown', why: 'namespaces' }
  expect(rates(twoNamespaces(addresses), [came(3, address)])).toEqual([unknown, unknown])
})

test('unknown: loopback, where a namespace was not looked at', () => {
  const machine = looks([{ local: at('127.0.0.1') }])
  const elsewhere = { namespaces: 1, addresses: new Set(['10.0.0.9']), unread: false }
  const narrow = { ...machine, after: { ...machine.after, elsewhere } }
  expect(rates(narrow, [came(3, '127.0.0.1')])).toEqual([{ is: 'unknown', why: 'namespaces' }])
})
