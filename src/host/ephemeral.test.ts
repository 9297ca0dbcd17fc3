import { expect, test } from 'vitest'
import { ephemeralUse } from './ephemeral.ts'
import type { SettingFacts, SocketFact } from './facts.ts'

function settings(range: string, reserved = ''): SettingFacts {
  const of = (name: string, value: string) => {
    const numbers = value.split(/\s+/).map(Number)
    return [name, { name, value, numbers, scope: 'namespace' as const }] as const
  }
  const all = [
    of('net.ipv4.ip_local_port_range', range),
    of('net.ipv4.ip_local_reserved_ports', reserved),
  ]
  return { settings: new Map(all), absent: [] }
}

function socket(port: number, more: Partial<SocketFact> = {}): SocketFact {
  const local = { address: '10.0.0.1', port }
  const remote = { address: '10.0.0.9', port: 3306 }
  return { state: 'ESTABLISHED', local, remote, ...more } as SocketFact
}

test('ports of the range towards one destination, TIME-WAIT among them', () => {
  const used = [socket(40_000), socket(40_001, { state: 'TIME-WAIT' }), socket(39_999)]
  expect(ephemeralUse(used, settings('40000 40099'))).toEqual({
    range: { first: 40_000, last: 40_099, ports: 100 },
    destinations: [
      {
        localAddress: '10.0.0.1',
        destination: { address: '10.0.0.9', port: 3306 },
        used: 2,
        timeWait: 1,
      },
    ],
  })
})

test('reserved ports are no part of it', () => {
  const { range } = ephemeralUse([], settings('40000 40099', '8080,40000-40009,40050,40095-50000'))
  expect(range?.ports).toBe(100 - 10 - 1 - 5)
})

test('near miss: what a server accepted on a port in the range uses no port of it', () => {
  const listening = socket(40_005, { state: 'LISTEN', remote: { address: '0.0.0.0', port: 0 } })
  const accepted = Array.from({ length: 9 }, (_, i) =>
    socket(40_005, { remote: { address: '10.0.0.7', port: 1000 + i } }),
  )
  expect(ephemeralUse([listening, ...accepted], settings('40000 40099')).destinations).toEqual([])
})

test('the fullest first; each source address has the whole range', () => {
  const other = { address: '10.0.0.2', port: 40_000 }
  const used = [
    socket(40_000),
    socket(40_000, { local: other }),
    socket(40_001, { local: { ...other, port: 40_001 } }),
  ]
  const { destinations } = ephemeralUse(used, settings('40000 40099'))
  expect(destinations.map(({ localAddress, used: count }) => [localAddress, count])).toEqual([
    ['10.0.0.2', 2],
    ['10.0.0.1', 1],
  ])
})

test('a range that cannot be read is not guessed', () => {
  const unknown = { settings: new Map(), absent: [] }
  expect(ephemeralUse([socket(40_000)], unknown)).toEqual({ range: null, destinations: [] })
})
