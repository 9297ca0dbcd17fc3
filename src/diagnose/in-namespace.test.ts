import { describe, expect, test } from 'vitest'
import { machine } from '../../test/helpers/machine.ts'
import { commandThere, placeOf } from './in-namespace.ts'

const PLACE = '/proc/77/ns/net'

test.each([
  ['ss -ltn', `sudo nsenter --net=${PLACE} ss -ltn`],
  [
    'sudo sysctl net.core.somaxconn=4096',
    `sudo nsenter --net=${PLACE} sysctl net.core.somaxconn=4096`,
  ],
  [
    "ss -ltn 'sport = :80'; nstat -az",
    `sudo nsenter --net=${PLACE} sh -c 'ss -ltn '\\''sport = :80'\\''; nstat -az'`,
  ],
  ['sudo tcpwhy diagnose --for 30s', `sudo tcpwhy diagnose --for 30s --netns ${PLACE}`],
  ['sudo tcpwhy snapshot --pid 7', 'sudo tcpwhy snapshot --pid 7'],
  ['tcpwhy queue --backlog 511', 'tcpwhy queue --backlog 511'],
  ['top -H -p 7', 'top -H -p 7'],
])('%s from outside its namespace', (command, there) => {
  expect(commandThere(command, PLACE)).toBe(there)
})

describe('which namespace a finding is in', () => {
  const at = (netns: string) =>
    [{ kind: 'counter', text: '', source: 'host', name: 'x', before: 0, after: 1, netns }] as const

  test('another one, by a process in it', () => {
    const facts = machine({ netns: { self: false, name: 'blue', pids: [77] } })
    expect(placeOf(facts, at('blue'))).toBe(PLACE)
  })

  test('another one without a process, by its name', () => {
    const facts = machine({ netns: { self: false, name: 'blue', pids: [] } })
    expect(placeOf(facts, at('blue'))).toBe('/run/netns/blue')
  })

  test('that of the reader: commands stay as they are', () => {
    const facts = machine({ netns: { self: true, name: 'blue' } })
    expect(placeOf(facts, at('blue'))).toBeNull()
  })
})
