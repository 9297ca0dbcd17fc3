import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { nodeHost } from '../../src/app/node-host.ts'
import type { HostFault } from '../../src/host/reader.ts'
import { conntrack } from '../../src/host/readers/conntrack.ts'
import { counterDeltas, counters } from '../../src/host/readers/counters.ts'
import { descriptors } from '../../src/host/readers/descriptors.ts'
import { readers } from '../../src/host/readers/index.ts'
import { listeners, listenersOf } from '../../src/host/readers/listeners.ts'
import { openFiles } from '../../src/host/readers/open-files.ts'
import { pressure } from '../../src/host/readers/pressure.ts'
import { processes } from '../../src/host/readers/processes.ts'
import { settings } from '../../src/host/readers/settings.ts'
import { sockets } from '../../src/host/readers/sockets.ts'
import { newMemory, snapshot } from '../../src/host/snapshot.ts'
import { fileOf, hostFrom, hostWith, sceneOf } from '../helpers/recorded-host.ts'

const FOLDER = 'test/hosts/6.18'
const host = hostFrom(FOLDER)
const scene = sceneOf(FOLDER)
const nothing = hostWith({})
const onlyProc = hostFrom(FOLDER, { without: ['netlink', 'ss'] })
/** What /proc says nothing of. */
const notTold = {
  cookie: null,
  idiag_if: null,
  congestionControl: null,
  shutdown: null,
  v6only: null,
  mark: null,
  cgroupId: null,
  tcpInfo: null,
  skmem: null,
}
const pids = [scene.server, scene.client]

describe('every reader', () => {
  test('is in the list once, sorted by id', () => {
    const ids = readers.map(({ id }) => id)
    expect(ids).toEqual([...new Set(ids)].sort())
  })

  test.each(readers)('$id: reads the recorded host', (reader) => {
    expect(reader.canRun(host, { pids })).toEqual({ is: 'yes' })
  })

  test.each(readers)('$id: says in words why not, where its files are missing', (reader) => {
    expect(reader.canRun(nothing, { pids })).toEqual({
      is: 'no',
      why: expect.stringMatching(/\w{3} \w{2}/),
    })
    expect(() => reader.read(nothing, { pids })).not.toThrow()
  })
})

describe.each(['3.10', '4.18', '5.15'])('the older shape %s', (version) => {
  const older = hostFrom(`test/hosts/${version}`)

  test.each(readers.filter(({ id }) => id !== 'pressure'))('$id: reads it', (reader) => {
    expect(reader.canRun(older, { pids })).toEqual({ is: 'yes' })
    const { faults = [] } = reader.read(older, { pids }) as { faults?: HostFault[] }
    expect(faults).toEqual([])
  })

  test('the same sockets as of the newer one, with less about them', () => {
    const found = sockets.read(older, {}).sockets
    const newer = sockets.read(host, {}).sockets
    expect(found.map(({ local, remote, state }) => [local, remote, state])).toEqual(
      newer.map(({ local, remote, state }) => [local, remote, state]),
    )
    for (const [at, socket] of found.entries()) {
      expect(newer[at]?.tcpInfo ?? {}).toMatchObject(socket.tcpInfo ?? {})
    }
  })

  test('a whole look names what is missing and concludes nothing from it', () => {
    const seen = snapshot(older)
    const hasPressure = version === '5.15'
    expect(seen.missing.map(({ what }) => what)).toEqual(hasPressure ? [] : ['pressure'])
    expect(seen.namespaces[0]?.source).toBe('netlink')
  })
})

test('what the older kernels do not tell is null, not 0', () => {
  const told = ['3.10', '4.18', '5.15'].map((version) => {
    const found = sockets.read(hostFrom(`test/hosts/${version}`), {}).sockets
    const socket = found.find(({ state }) => state === 'ESTABLISHED')
    const listener = listenersOf(found).find(({ depth }) => depth === 2)
    const { tcpInfo, cgroupId, mark } = socket!
    return [
      version,
      tcpInfo?.tcpi_bytes_acked !== undefined,
      tcpInfo?.tcpi_snd_wnd !== undefined,
      tcpInfo?.tcpi_rcv_wnd !== undefined,
      listener?.drops,
      mark,
      cgroupId,
    ]
  })
  expect(told).toEqual([
    ['3.10', false, false, false, null, null, null],
    ['4.18', true, true, false, 1, 0, null],
    ['5.15', true, true, false, 1, 0, 1n],
  ])
})

describe('counters', () => {
  const facts = counters.read(host, {})

  test('have the names that nstat gives them', () => {
    // proc/net/snmp, netstat, snmp6 of the recording
    expect(facts.counters.get('TcpOutRsts')).toBe(0)
    expect(facts.counters.get('TcpPassiveOpens')).toBe(9)
    expect(facts.counters.get('TcpExtListenOverflows')).toBe(1)
    expect(facts.counters.get('TcpExtListenDrops')).toBe(1)
    expect(facts.counters.get('Ip6InReceives')).toBeGreaterThan(0)
    expect(facts.faults).toEqual([])
  })

  test('keep what is now apart from sums', () => {
    expect(facts.gauges.get('TcpCurrEstab')).toBeGreaterThan(5)
    expect(facts.gauges.get('TCP.tw')).toBe(2)
    expect(facts.counters.has('TcpCurrEstab')).toBe(false)
  })

  test('sum softnet over the processors', () => {
    const two = `${'00000010 00000001 00000002 0 0 0 0 0 0 00000003 00000004\n'.repeat(2)}`
    const { counters: sums } = counters.read(
      hostWith({ files: { '/proc/net/softnet_stat': two } }),
      {},
    )
    expect(Object.fromEntries(sums)).toEqual({
      'softnet.processed': 32,
      'softnet.dropped': 2,
      'softnet.time_squeeze': 4,
      'softnet.received_rps': 6,
      'softnet.flow_limit_count': 8,
    })
  })

  test('of another namespace come from a process in it', () => {
    const files = { '/proc/77/net/snmp': 'Tcp: OutRsts\nTcp: 5\n' }
    expect(counters.read(hostWith({ files }), { netOf: 77 }).counters.get('TcpOutRsts')).toBe(5)
  })

  test('a line that lost its partner is a fault, not a wrong number', () => {
    const files = { '/proc/net/snmp': 'Tcp: OutRsts\nUdp: 5\n' }
    const read = counters.read(hostWith({ files }), {})
    expect(read.counters.has('TcpOutRsts')).toBe(false)
    expect(read.faults[0]?.what).toContain('line 2')
  })

  test('hostile names and numbers do no harm', () => {
    const files = { '/proc/net/snmp': '__proto__: a b c d\n__proto__: 1 x 9e9 -\n' }
    const read = counters.read(hostWith({ files }), {})
    expect([...read.counters]).toEqual([['__proto__a', 1]])
  })

  test('deltas: only what rose; a sum that fell was begun anew', () => {
    const of = (text: string) => counters.read(hostWith({ files: { '/proc/net/snmp': text } }), {})
    const before = of('Tcp: A B C D\nTcp: 1 5 7 9\n')
    const after = of('Tcp: A B C E\nTcp: 4 5 2 9\n')
    expect(counterDeltas(before, after)).toEqual({
      rose: new Map([['TcpA', 3]]),
      restarted: ['TcpC'],
    })
  })

  test('two readings of the recorded host', () => {
    const files = {
      '/proc/net/snmp': fileOf(FOLDER, 'proc/net/snmp.later'),
      '/proc/net/netstat': fileOf(FOLDER, 'proc/net/netstat.later'),
    }
    expect(counterDeltas(facts, counters.read(hostFrom(FOLDER, { files }), {})).restarted).toEqual(
      [],
    )
  })
})

describe('settings', () => {
  const facts = settings.read(host)

  test('have a value, its numbers and whose they are', () => {
    expect(facts.settings.get('net.core.somaxconn')).toEqual({
      name: 'net.core.somaxconn',
      value: '4096',
      numbers: [4096],
      scope: 'namespace',
    })
    expect(facts.settings.get('net.ipv4.ip_local_port_range')?.numbers).toHaveLength(2)
    expect(facts.settings.get('net.netfilter.nf_conntrack_max')?.scope).toBe('host')
  })

  test('those that a namespace does not show are named', () => {
    expect(facts.absent.map(({ name }) => name)).toEqual([
      'net.core.netdev_max_backlog',
      'net.ipv4.tcp_max_orphans',
      'net.ipv4.tcp_mem',
    ])
    expect(facts.absent.every(({ scope }) => scope === 'host')).toBe(true)
  })

  test('of another namespace cannot be read from here', () => {
    const links = { '/proc/9/ns/net': 'net:[1]' }
    const can = settings.canRun(hostFrom(FOLDER, { links }), { netOf: 9 })
    expect(can).toEqual({ is: 'no', why: expect.stringContaining('enter its namespace') })
    expect(settings.canRun(host, { netOf: scene.server })).toEqual({ is: 'yes' })
  })
})

describe('sockets', () => {
  const facts = sockets.read(onlyProc, {})

  test('from netlink; where it cannot be asked from ss; else from /proc, and why is said', () => {
    const { source, faults } = sockets.read(host, {})
    expect([source, faults]).toEqual(['netlink', []])
    const printed = sockets.read(hostFrom(FOLDER, { without: ['netlink'] }), {})
    expect([printed.source, printed.faults]).toEqual([
      'ss',
      [{ path: 'sock_diag', what: 'sock_diag: no such file' }],
    ])
    expect([facts.source, facts.faults.map(({ path }) => path)]).toEqual([
      'proc',
      ['sock_diag', 'ss'],
    ])
  })

  test.each([
    ['netlink', host],
    ['ss', hostFrom(FOLDER, { without: ['netlink'] })],
    ['proc', onlyProc],
  ])('%s: only those that were asked for', (_, from) => {
    const listening = sockets.read(from, { states: ['LISTEN'] }).sockets
    expect(listening.map(({ local }) => local.port).sort()).toEqual(
      [0, 1, 2, 3].map((more) => scene.port + more),
    )
    const at = sockets.read(from, { ports: [scene.port + 1] }).sockets
    expect(at.length).toBeGreaterThan(1)
    for (const { local, remote } of at) {
      expect([local.port, remote.port]).toContain(scene.port + 1)
    }
  })

  test('all states that were made', () => {
    const states = new Set(facts.sockets.map(({ state }) => state))
    expect([...states].sort()).toEqual([
      'CLOSE-WAIT',
      'ESTABLISHED',
      'FIN-WAIT-2',
      'LISTEN',
      'SYN-RECEIVED',
      'SYN-SENT',
      'TIME-WAIT',
    ])
  })

  test('queues: the FIN counts as one octet to read', () => {
    const closeWait = facts.sockets.filter(({ state }) => state === 'CLOSE-WAIT')
    expect(closeWait.map((socket) => socket.idiag_rqueue).sort()).toEqual([1, 10])
  })

  test('timers in milliseconds', () => {
    const keepalive = facts.sockets.find(({ timer }) => timer?.kind === 'keepalive')
    expect(keepalive?.timer?.expiresMs).toBeGreaterThan(7_100_000)
    expect(keepalive?.timer?.expiresMs).toBeLessThanOrEqual(7_200_000)
  })

  test('addresses of a big-endian machine', () => {
    const line = '0: 7F000001:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000 0 0 5 1'
    const files = { '/proc/net/tcp': `heading\n${line}\n` }
    const read = sockets.read(hostWith({ files, bigEndian: true }), {})
    expect(read.sockets).toEqual([
      {
        family: 4,
        state: 'LISTEN',
        local: { address: '127.0.0.1', port: 8080 },
        remote: { address: '0.0.0.0', port: 0 },
        idiag_rqueue: 3,
        idiag_wqueue: null,
        timer: null,
        retransmits: 0,
        uid: 0,
        inode: 5,
        ...notTold,
      },
    ])
  })

  test('IPv6 and IPv4-mapped addresses', () => {
    const locals = facts.sockets
      .filter(({ family }) => family === 6)
      .map(({ local }) => local.address)
    expect(new Set(locals)).toEqual(new Set(['::', '::1', '::ffff:127.0.0.1']))
  })

  test('lines that describe no socket are counted', () => {
    const text = fileOf(FOLDER, 'proc/net/tcp')
    const cut = `${text.slice(0, text.length - 120)}\n 9: zz:1 00000000:0000 0A\n`
    const read = sockets.read(hostWith({ files: { '/proc/net/tcp': cut } }), {})
    expect(read.faults.map(({ what }) => what)).toContain(
      '/proc/net/tcp: 2 lines that describe no socket',
    )
  })
})

describe('listeners', () => {
  test('how many wait, and the handshakes under way', () => {
    for (const [from, limit, drops] of [
      [host, 1, 1],
      [hostFrom(FOLDER, { without: ['netlink'] }), 1, 1],
      [onlyProc, null, null],
    ] as const) {
      const { listeners: found } = listeners.read(from, {})
      const byPort = Object.fromEntries(found.map((listener) => [listener.local.port, listener]))
      expect(Object.keys(byPort)).toHaveLength(4)
      expect(byPort[scene.port + 1]).toMatchObject({ depth: 2, limit, drops, synReceived: 0 })
      expect(byPort[scene.port + 3]).toMatchObject({ depth: 0, synReceived: 1 })
    }
  })

  test('a handshake belongs to the nearest listener: own address, any, any of IPv6', () => {
    const base = {
      remote: { address: '10.0.0.9', port: 1 },
      idiag_rqueue: 0,
      timer: null,
      retransmits: 0,
      uid: 0,
      inode: 1,
      ...notTold,
    }
    const at = (
      family: 4 | 6,
      state: 'LISTEN' | 'SYN-RECEIVED',
      address: string,
      port: number,
    ) => ({
      ...base,
      family,
      state,
      local: { address, port },
      idiag_wqueue: 0,
    })
    const counts = listenersOf([
      at(4, 'LISTEN', '10.0.0.1', 80),
      at(4, 'LISTEN', '0.0.0.0', 80),
      at(6, 'LISTEN', '::', 80),
      at(6, 'LISTEN', '::', 81),
      at(4, 'SYN-RECEIVED', '10.0.0.1', 80),
      at(4, 'SYN-RECEIVED', '10.0.0.2', 80),
      at(6, 'SYN-RECEIVED', '::ffff:10.0.0.1', 81),
      at(6, 'SYN-RECEIVED', '2001:db8::1', 80),
      at(4, 'SYN-RECEIVED', '10.0.0.2', 82),
    ]).map(({ synReceived }) => synReceived)
    expect(counts).toEqual([1, 1, 1, 1])
  })
})

describe('processes', () => {
  const closeWait = sockets.read(host, {}).sockets.filter(({ state }) => state === 'CLOSE-WAIT')
  const inodes = new Set(closeWait.map(({ inode }) => inode))

  test('own the asked sockets, and only those are looked up', () => {
    const { owners, hidden } = processes.read(host, { inodes })
    expect([...owners.keys()].sort()).toEqual([...inodes].sort())
    const found = [...owners.values()].flat()
    expect(found.map(({ pid }) => pid).sort()).toEqual([...pids].sort())
    expect(found[0]).toMatchObject({ command: 'python3', cgroup: { version: 1 } })
    expect(hidden).toBe(0)
  })

  test('nobody is searched when nothing was asked for', () => {
    const silent = { ...host, names: () => expect.unreachable() }
    expect(processes.read(silent, {}).owners.size).toBe(0)
  })

  test('shared by forked processes: all of them', () => {
    const links = {
      '/proc/1/fd/3': 'socket:[5]',
      '/proc/2/fd/4': 'socket:[5]',
      '/proc/2/fd/5': 'socket:[6]',
    }
    const { owners } = processes.read(hostWith({ links }), { inodes: new Set([5]) })
    expect(owners.get(5)?.map(({ pid, fd }) => [pid, fd])).toEqual([
      [1, 3],
      [2, 4],
    ])
  })

  test('those that may not be looked at are counted', () => {
    const denied = [`/proc/${scene.server}/fd`]
    const read = processes.read(hostFrom(FOLDER, { denied }), { inodes })
    expect(read.hidden).toBe(1)
    expect(read.faults[0]?.what).toContain('CAP_SYS_PTRACE')
    expect(read.faults[0]?.what).toMatch(
      /1 process \(pid \d+\) may not be seen: needs CAP_SYS_PTRACE$/,
    )
    // Root may list what it may not follow.
    const { server } = scene
    const fds = ['0', '1', '10'].map((fd) => `/proc/${server}/fd/${fd}`)
    const half = hostFrom(FOLDER, { denied: fds })
    expect(processes.read(half, { inodes }).hidden).toBe(1)
    expect(descriptors.read(half, { pids: [server] })).toMatchObject({
      processes: [],
      faults: [{ path: `/proc/${server}/fd` }],
    })
  })
})

test('root that is refused all the same is not told to become root', () => {
  const links = { '/proc/1/fd/3': 'socket:[5]', '/proc/self/ns/net': 'net:[4026531840]' }
  const seenWith = (effective: string) => {
    const files = { '/proc/self/status': `Name:\tnode\nCapEff:\t${effective}\n` }
    const refusing = hostWith({ links, files, denied: ['/proc/1/fd', '/proc/1/ns/net'] })
    return processes.read(refusing, { inodes: new Set([5]) }).faults[0]?.what
  }
  const refused = /\(pid 1\) may not be seen: the kernel refuses although tcpwhy has CAP_SYS_PTRACE/
  expect(seenWith('000001fffeffffff')).toMatch(refused)
  expect(seenWith('0000000000000000')).toMatch(/\(pid 1\) may not be seen: needs CAP_SYS_PTRACE$/)
})

describe('looking again', () => {
  const links = { '/proc/1/fd/3': 'socket:[5]', '/proc/2/fd/4': 'socket:[5]' }
  const remembered = newMemory()
  processes.read(hostWith({ links }), { inodes: new Set([5]), remembered })

  test('owners that still hold their socket need no search', () => {
    const host = { ...hostWith({ links }), names: () => expect.unreachable() }
    const { owners } = processes.read(host, { inodes: new Set([5]), remembered })
    expect(owners.get(5)?.map(({ pid }) => pid)).toEqual([1, 2])
  })

  test('one that closed it meanwhile makes a new search', () => {
    const now = { ...links, '/proc/1/fd/3': 'socket:[6]' }
    const { owners } = processes.read(hostWith({ links: now }), {
      inodes: new Set([5]),
      remembered,
    })
    expect(owners.get(5)?.map(({ pid }) => pid)).toEqual([2])
  })
})

describe('open files', () => {
  const limits = 'Max open files            1024                 4096                 files\n'
  const process = (pid: number, table: number) => ({
    [`/proc/${pid}/status`]: `Name:\tapp\nFDSize:\t${table}\n`,
    [`/proc/${pid}/limits`]: limits,
    [`/proc/${pid}/comm`]: 'app\n',
  })
  const links = { '/proc/2/fd/0': '/dev/null', '/proc/2/fd/1': '/dev/null' }

  test('counted where the table is large, without a look at any of them', () => {
    const files = { ...process(1, 64), ...process(2, 1024), ...process(3, 1024) }
    const host = hostWith({ files, links, sizes: { '/proc/3/fd': 1000 } })
    const blind = { ...host, link: () => expect.unreachable() }
    expect(openFiles.read(blind, {}).processes).toEqual([
      { pid: 3, command: 'app', open: 1000, soft: 1024, hard: 4096 },
      { pid: 2, command: 'app', open: 2, soft: 1024, hard: 4096 },
    ])
  })

  test('a small table that is half of a small limit counts', () => {
    const files = { ...process(2, 64), '/proc/2/limits': limits.replace('1024', '  80') }
    expect(openFiles.read(hostWith({ files, links }), {}).processes).toHaveLength(1)
  })
})

describe('descriptors', () => {
  test('by kind, with their limits', () => {
    const [server] = descriptors.read(host, { pids: [scene.server] }).processes
    const links = Object.entries(JSON.parse(fileOf(FOLDER, 'links.json')) as Record<string, string>)
    const own = links.filter(([path]) => path.startsWith(`/proc/${scene.server}/fd/`))
    expect(server?.total).toBe(own.length)
    expect(server?.byKind.socket).toBe(own.filter(([, to]) => to.startsWith('socket:')).length)
    expect(server?.byKind.eventpoll).toBe(1)
    expect(server?.sockets).toHaveLength(server?.byKind.socket ?? -1)
    expect(server?.hard).toBe(20_000)
    expect(server?.soft).toBeLessThanOrEqual(20_000)
  })

  test('another user may not look', () => {
    const denied = [`/proc/${scene.server}/fd`]
    const can = descriptors.canRun(hostFrom(FOLDER, { denied }), { pids: [scene.server] })
    expect(can).toEqual({ is: 'no', why: expect.stringContaining('CAP_SYS_PTRACE') })
  })
})

describe('pressure', () => {
  test('load, memory, stalls and open files', () => {
    const facts = pressure.read(host)
    expect(facts.load?.tasks).toBeGreaterThan(10)
    expect(facts.memory.get('MemTotal')).toBeGreaterThan(2 ** 30)
    expect(facts.psi.cpu.some?.totalUs).toBeGreaterThan(0)
    expect(facts.psi.memory.full).toMatchObject({ avg10: expect.any(Number) })
    expect(facts.files?.open).toBeGreaterThan(0)
    expect(facts.faults).toEqual([])
  })

  test('a kernel without PSI: null and the reason', () => {
    const files = { '/proc/pressure/cpu': null }
    const facts = pressure.read(hostFrom(FOLDER, { files }))
    expect(facts.psi.cpu).toEqual({ some: null, full: null })
    expect(facts.faults).toEqual([
      { path: '/proc/pressure/cpu', what: '/proc/pressure/cpu: no such file' },
    ])
  })
})

describe('conntrack', () => {
  test('how full, and what was lost', () => {
    const stat =
      'entries  found insert_failed drop\n0000000a  00000001 00000010 00000002\n0000000a  00000001 00000001 00000000\n'
    const facts = conntrack.read(
      hostFrom(FOLDER, { files: { '/proc/net/stat/nf_conntrack': stat } }),
      {},
    )
    expect(facts.max).toBeGreaterThan(1000)
    expect(facts.count).toBe(0)
    expect(Object.fromEntries(facts.counters)).toEqual({ found: 2, insert_failed: 17, drop: 2 })
  })

  test('not loaded is said so', () => {
    expect(conntrack.canRun(nothing)).toEqual({
      is: 'no',
      why: 'connection tracking is not loaded (module nf_conntrack)',
    })
  })
})

describe('on this machine', () => {
  test.runIf(process.platform === 'linux')('own descriptors, limits and load', () => {
    const live = nodeHost()
    const [own] = descriptors.read(live, { pids: [process.pid] }).processes
    expect(own?.total).toBeGreaterThan(2)
    expect(own?.command).not.toBe('')
    expect(pressure.read(live).load).not.toBeNull()
    expect(counters.read(live, {}).counters.has('TcpOutRsts')).toBe(true)
  })

  test('a file that is not there, too big, or a folder', () => {
    const live = nodeHost({ maxBytes: 10 })
    expect(live.text('/nowhere/at/all')).toEqual({
      is: 'unreadable',
      why: 'missing',
      path: '/nowhere/at/all',
    })
    expect(live.bytes(import.meta.filename)).toMatchObject({ why: 'too-big' })
    expect(live.text(import.meta.dirname)).toMatchObject({ why: 'failed' })
  })

  test.runIf(process.platform !== 'win32')('a FIFO is no file: nobody waits for its writer', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tcpwhy-fifo-'))
    const path = join(folder, 'nginx.conf')
    execFileSync('mkfifo', [path])
    expect(nodeHost().text(path)).toMatchObject({ why: 'failed' })
    rmSync(folder, { recursive: true })
  })
})
