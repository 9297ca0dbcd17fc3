import { describe, expect, test } from 'vitest'
import { machine } from '../../test/helpers/machine.ts'
import { narrowed } from './narrow.ts'
import { narrowedEvents } from './narrow-events.ts'

describe('one process of a namespace', () => {
  const facts = machine({
    sockets: [
      { inode: 1, pid: 77 },
      { inode: 2, pid: 88 },
      { inode: 0, local: { address: '10.77.2.2', port: 80 } },
      { inode: 0, local: { address: '10.77.2.2', port: 81 } },
    ],
    listeners: [
      { inode: 10, pid: 77, local: { address: '0.0.0.0', port: 80 } },
      { inode: 11, pid: 88, local: { address: '0.0.0.0', port: 81 } },
    ],
    processes: [{ pid: 77 }, { pid: 88 }],
  })
  const only = narrowed(facts.after, (pid) => pid === 77)

  test('its sockets, its listeners and what waits in their queues', () => {
    const [netns] = only.namespaces
    expect(netns?.listeners.map((l) => l.inode)).toEqual([10])
    expect(netns?.sockets.map((s) => [s.inode, s.local.port])).toEqual([
      [1, 80],
      [0, 80],
    ])
    expect(only.openFiles.map((p) => p.pid)).toEqual([77])
  })
})

describe('events of a part of the host', () => {
  const there = {
    local: { address: '10.99.0.1', port: 80 },
    remote: { address: '10.99.0.2', port: 4000 },
  }
  const here = {
    local: { address: '10.77.2.2', port: 80 },
    remote: { address: '10.77.1.2', port: 4000 },
  }
  const { events, after } = machine({
    sockets: [{}],
    events: [
      { ...here, reason: 'NO_SOCKET' },
      { ...there, reason: 'NO_SOCKET' },
      { kind: 'accept-failed', reason: 'EMFILE', pid: 77 },
      { kind: 'accept-failed', reason: 'EMFILE', pid: 88 },
    ],
  })
  const { namespaces } = after
  const meant = narrowedEvents(events!, { namespaces, pid: (pid) => pid === 77 })

  test('by address, and by process where no address is told', () => {
    expect(meant.events.map((e) => e.local?.address ?? e.pid)).toEqual(['10.77.2.2', 77])
  })

  test('of a namespace that had no connection yet, by the addresses of its interfaces', () => {
    const quiet = machine({
      netns: { addresses: ['10.77.2.2'] },
      events: [
        { ...here, reason: 'NO_SOCKET' },
        { ...there, reason: 'NO_SOCKET' },
      ],
    })
    const { events: all, after: look } = quiet
    const own = narrowedEvents(all!, { namespaces: look.namespaces, pid: () => null })
    expect(own.events.map((e) => e.local?.address)).toEqual(['10.77.2.2'])
  })

  test('of two ends on one host only those of the end that is asked for', () => {
    const { events: all, after: look } = machine({
      netns: { addresses: ['10.77.2.2'] },
      sockets: [{ ...here }],
      events: [
        { ...here, reason: 'TCP_ABORT_ON_CLOSE' },
        { local: here.remote, remote: here.local, reason: 'TCP_ABORT_ON_DATA' },
      ],
    })
    const own = narrowedEvents(all!, { namespaces: look.namespaces, pid: () => null })
    expect(own.events.map((e) => e.reason)).toEqual(['TCP_ABORT_ON_CLOSE'])
  })

  test('a listener at all addresses, by its port, and by the process that does something to it', () => {
    const any = (port: number) => ({
      local: { address: '0.0.0.0', port },
      remote: { address: '0.0.0.0', port: 0 },
    })
    const { events: all, after: look } = machine({
      listeners: [{ local: any(80).local }],
      events: [
        { ...any(80), reason: 'TCP_FLAGS' },
        { ...any(81), reason: 'TCP_FLAGS' },
        { ...any(82), kind: 'state', pid: 77 },
        { ...any(80), kind: 'state', pid: 88 },
      ],
    })
    const pid = (of: number) => of === 77
    const own = narrowedEvents(all!, { namespaces: look.namespaces, pid })
    expect(own.events.map((e) => e.local?.port)).toEqual([80, 82])
  })

  test('by port', () => {
    const other = narrowedEvents(events!, { namespaces, ports: [81], pid: () => false })
    expect(other.events).toEqual([])
  })
})
