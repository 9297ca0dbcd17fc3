import { describe, expect, test } from 'vitest'
import { snapshot } from '../../src/host/snapshot.ts'
import { type Changes, fileOf, hostFrom, hostWith, sceneOf } from '../helpers/recorded-host.ts'

const FOLDER = 'test/hosts/6.18'
const scene = sceneOf(FOLDER)
const CONTAINER = 'ab'.repeat(32)

/** Another namespace: its own table, settings and counters, and a process of a container in it. */
const inside: Changes = {
  files: {
    '/proc/net/tcp': fileOf(FOLDER, 'proc/net/tcp').split('\n').slice(0, 3).join('\n'),
    '/proc/net/snmp': 'Tcp: OutRsts\nTcp: 5\n',
    '/proc/net/dev': 'eth0: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n',
    '/proc/sys/net/core/somaxconn': '128\n',
    '/proc/sys/net/ipv4/ip_local_port_range': '40000 40009\n',
  },
}
const outside: Changes = {
  links: { '/proc/77/ns/net': 'net:[42]' },
  files: { '/proc/77/cgroup': `0::/docker/${CONTAINER}\n`, '/proc/77/comm': 'app\n' },
}

describe('a recorded host', () => {
  const seen = snapshot(hostFrom(FOLDER), { pids: [scene.server] })
  const [own] = seen.namespaces

  test('is one namespace, told by netlink', () => {
    expect(seen.namespaces).toHaveLength(1)
    expect(own).toMatchObject({ self: true, source: 'netlink', name: null, container: null })
    expect(own?.pids).toEqual(expect.arrayContaining([scene.server, scene.client]))
    expect([seen.release, seen.missing, seen.faults]).toEqual([scene.release, [], []])
  })

  test('has its sockets with tcp_info, its listeners with limit and drops', () => {
    const established = own?.sockets.find(({ state }) => state === 'ESTABLISHED')
    expect(established?.tcpInfo?.tcpi_rtt).toBeGreaterThan(0)
    expect(own?.listeners.find(({ depth }) => depth === 2)).toMatchObject({ limit: 1, drops: 1 })
  })

  test('the owners of suspicious sockets and of no others', () => {
    const suspicious = own?.sockets.filter(
      ({ state, inode }) => inode !== 0 && (state === 'CLOSE-WAIT' || state === 'LISTEN'),
    )
    for (const { inode } of suspicious ?? []) expect(seen.owners.has(inode)).toBe(true)
    const idle = own?.sockets.filter(
      (socket) => socket.state === 'ESTABLISHED' && socket.idiag_rqueue === 0,
    )
    for (const { inode } of idle ?? []) expect(seen.owners.has(inode)).toBe(false)
    expect(seen.processes.map(({ pid }) => pid)).toEqual([scene.server])
  })

  test('settings stand where they belong', () => {
    expect(own?.settings.settings.has('net.core.somaxconn')).toBe(true)
    expect(seen.hostSettings.settings.has('net.core.somaxconn')).toBe(false)
    expect(seen.hostSettings.settings.has('fs.file-max')).toBe(true)
  })
})

describe('other namespaces', () => {
  test('are looked at from within', () => {
    const host = hostFrom(FOLDER, { ...outside, namespaces: { 42: inside } })
    const { namespaces, missing } = snapshot(host)
    expect(namespaces.map(({ id }) => id)).toHaveLength(2)
    expect(namespaces[1]).toMatchObject({
      id: 42,
      self: false,
      pids: [77],
      container: { runtime: 'docker', id: CONTAINER },
      source: 'proc',
      ephemeral: { range: { first: 40_000, last: 40_009, ports: 10 } },
    })
    expect(namespaces[1]?.sockets).toHaveLength(2)
    expect(namespaces[1]?.settings.settings.get('net.core.somaxconn')?.numbers).toEqual([128])
    expect(namespaces[1]?.counters.counters.get('TcpOutRsts')).toBe(5)
    expect(namespaces[1]?.interfaces[0]?.counters.get('rx_dropped')).toBe(4)
    expect(missing.map(({ what }) => what)).toEqual(['netlink'])
  })

  test('that may not be entered are seen through a process of theirs, without settings', () => {
    const files = { ...outside.files, '/proc/77/net/snmp': 'Tcp: OutRsts\nTcp: 7\n' }
    const host = hostFrom(FOLDER, { ...outside, files, namespaces: { 42: null } })
    const { namespaces, missing } = snapshot(host)
    expect(namespaces[1]).toMatchObject({ id: 42, source: 'proc' })
    expect(namespaces[1]?.counters.counters.get('TcpOutRsts')).toBe(7)
    expect(namespaces[1]?.settings.settings.size).toBe(0)
    expect(missing.map(({ what }) => what)).toEqual(['namespace-entry'])
  })

  test('that ended meanwhile are not there, and nothing is missing', () => {
    const { namespaces, missing } = snapshot(hostFrom(FOLDER, outside))
    expect([namespaces.length, missing]).toEqual([1, []])
  })

  test('without a process have their name', () => {
    const inodes = { '/run/netns/blue': 43 }
    const host = hostFrom(FOLDER, { inodes, namespaces: { 43: inside } })
    expect(snapshot(host).namespaces[1]).toMatchObject({ id: 43, name: 'blue', pids: [] })
  })

  test('processes that /proc does not show are said to be missing', () => {
    const inContainer = { '/proc/self/ns/pid': 'pid:[4026532201]' }
    const what = (changes: Changes) => snapshot(hostFrom(FOLDER, changes)).missing[0]
    expect(what({ links: inContainer })).toMatchObject({
      what: 'host-processes',
      why: expect.stringContaining('process namespace of its own'),
    })
    const mounts = 'proc /proc proc rw,nosuid,relatime,hidepid=invisible 0 0\n'
    expect(what({ files: { '/proc/mounts': mounts } })?.why).toContain('hidepid')
    const visible = { '/proc/mounts': mounts, '/proc/1/comm': 'init\n' }
    expect(what({ files: visible })).toBeUndefined()
  })

  test('of other users are counted as missing', () => {
    const denied = ['/proc/77/ns/net']
    const { missing } = snapshot(hostFrom(FOLDER, { ...outside, denied }))
    expect(missing).toEqual([
      expect.objectContaining({
        what: 'namespace-list',
        why: expect.stringContaining('1 process (pid 77) may'),
      }),
    ])
  })

  test('only those that are wanted', () => {
    const host = hostFrom(FOLDER, { ...outside, namespaces: { 42: inside } })
    const { namespaces } = snapshot(host, { namespace: ({ pids }) => pids.includes(77) })
    expect(namespaces.map(({ id }) => id)).toEqual([42])
  })
})

test('a machine of which nothing can be read gives an empty answer and says what is missing', () => {
  const seen = snapshot(hostWith({}))
  expect(seen.namespaces).toEqual([])
  expect(seen.missing.map(({ what }) => what)).toEqual(['pressure'])
})
