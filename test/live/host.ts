/**
 * The readers of src/host against this kernel, in a network namespace of their own (.ci/live.sh starts it): the same
 * sockets and the same numbers from netlink, `ss` and /proc; filters that the kernel runs; other namespaces entered and
 * left; who waits at a listener. Prints what was compared; a difference ends it.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { nodeHost } from '../../src/app/node-host.ts'
import type { SocketFact } from '../../src/host/facts.ts'
import type { HostFiles } from '../../src/host/host-files.ts'
import { portFilter } from '../../src/host/netlink/filter.ts'
import { decodeDump, encodeDump } from '../../src/host/netlink/sock-diag.ts'
import { sockets } from '../../src/host/readers/sockets.ts'
import { type HostSnapshot, snapshot } from '../../src/host/snapshot.ts'

interface Scene {
  port: number
  many: number
  server: number
  client: number
  blocking: number
}

const CONNECTIONS = 4_000
const LOOKS = 10
const host = nodeHost()
/** As where koffi cannot be loaded; and where `ss` is not installed either. */
const noNetlink: HostFiles = { ...host, sockDiag: () => gone('sock_diag') }
const onlyProc: HostFiles = { ...noNetlink, ss: () => gone('ss') }

function gone(path: string) {
  return { is: 'unreadable', why: 'missing', path } as const
}

async function started(argv: readonly string[]): Promise<{ child: ChildProcess; scene: Scene }> {
  const [program = '', ...args] = argv
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: child.stdout! })) {
    return { child, scene: JSON.parse(line) as Scene }
  }
  throw new Error(`${argv.join(' ')} ended without a word`)
}

const here = new URL('.', import.meta.url).pathname
const scene = await started(['python3', `${here}host_scene.py`, String(CONNECTIONS)])
const other = await started(['unshare', '--net', 'python3', `${here}host_scene.py`])
try {
  eventually(sameSockets)
  filtersInTheKernel(scene.scene)
  eventually(brief)
  otherNamespaces(scene.scene, other.scene)
  whoWaits(snapshot(host), scene.scene)
  await vanishing()
  withoutAddons(other.scene)
} finally {
  for (const { child } of [scene, other]) {
    child.stdin?.end()
    await new Promise((resolve) => child.once('close', resolve))
  }
}

/** The looks to be compared follow each other: a timer may end between them. */
function eventually(compare: () => void): void {
  for (let tries = 4; tries > 0; tries--) {
    try {
      compare()
      return
    } catch (difference) {
      console.log(`once more: ${String(difference).split('\n')[0]}`)
    }
  }
  compare()
}

function keyOf({ local, remote }: SocketFact): string {
  return `${local.address} ${local.port} ${remote.address} ${remote.port}`
}

/** What all three tell, without what runs on meanwhile. */
function comparable(socket: SocketFact, withLimit: boolean) {
  const { family, state, idiag_rqueue, idiag_wqueue, timer, inode, uid } = socket
  const wqueue = withLimit || state !== 'LISTEN' ? idiag_wqueue : null
  return { family, state, idiag_rqueue, wqueue, timer: timer?.kind ?? null, inode, uid }
}

function sameSockets(): void {
  const [netlink, ss, proc] = [host, noNetlink, onlyProc].map((from) => sockets.read(from, {}))
  assert.deepEqual([netlink?.source, ss?.source, proc?.source], ['netlink', 'ss', 'proc'])
  const table = new Map(netlink!.sockets.map((socket) => [keyOf(socket), socket]))
  assert.ok(table.size > 2 * CONNECTIONS, `only ${table.size} sockets: a buffer was too short`)
  for (const [facts, withLimit] of [
    [ss!, true],
    [proc!, false],
  ] as const) {
    assert.deepEqual(new Set(facts.sockets.map(keyOf)), new Set(table.keys()), facts.source)
    for (const socket of facts.sockets) {
      const truth = table.get(keyOf(socket))!
      assert.deepEqual(comparable(socket, withLimit), comparable(truth, withLimit), keyOf(socket))
    }
  }
  for (const socket of ss!.sockets) sameDetails(socket, table.get(keyOf(socket))!)
  const odd = [...netlink!.faults, ...ss!.faults.slice(1), ...proc!.faults.slice(2)]
  assert.deepEqual(odd, [])
  console.log(`same sockets three ways: ${table.size}`)
}

function sameDetails(ss: SocketFact, netlink: SocketFact): void {
  const of = ({ cookie, shutdown, v6only, skmem, congestionControl }: SocketFact) => ({
    cookie,
    shutdown,
    v6only: v6only === true,
    rcvbuf: skmem?.rcvbuf ?? 0,
    congestionControl,
  })
  assert.deepEqual(of(ss), of(netlink), keyOf(ss))
  // The full listener goes on refusing SYNs between the two looks.
  const refused = (ss.skmem?.drops ?? 0) - (netlink.skmem?.drops ?? 0)
  assert.ok(refused >= 0 && refused < 10, `${keyOf(ss)}: ${refused} more drops`)
  for (const name of ['tcpi_snd_cwnd', 'tcpi_bytes_received', 'tcpi_segs_in'] as const) {
    const told = ss.tcpInfo?.[name]
    if (told !== undefined) assert.equal(told, netlink.tcpInfo?.[name], `${keyOf(ss)} ${name}`)
  }
}

/** How many sockets the kernel itself gives, before anybody looks again. */
function given(ask: { states?: number; ports?: readonly number[] }): SocketFact[] {
  const littleEndian = host.endianness() === 'LE'
  const found: SocketFact[] = []
  const bytecode = portFilter(ask.ports ?? [], littleEndian)
  const states = ask.states ?? 0xffffffff
  const request = encodeDump({ family: 4, states, bytecode, sequence: 1, littleEndian })
  const asked = host.sockDiag(request, (octets) => {
    const part = decodeDump(octets, littleEndian, (socket) => found.push(socket))
    assert.equal(part.errno, 0, 'the kernel refused the filter')
    return part.done
  })
  assert.equal(asked.is, 'read')
  return found
}

function filtersInTheKernel({ port, many }: Scene): void {
  const listening = given({ states: 1 << 10 })
  assert.ok(listening.length > 0 && listening.every(({ state }) => state === 'LISTEN'))
  for (const ports of [[port], [port, port + 1], [many]]) {
    const all = sockets.read(host, {}).sockets.filter(({ family }) => family === 4)
    const wanted = all.filter(({ local, remote }) =>
      ports.some((one) => one === local.port || one === remote.port),
    )
    const found = given({ ports })
    assert.deepEqual(new Set(found.map(keyOf)), new Set(wanted.map(keyOf)))
    console.log(`the kernel filters by port ${ports.join(', ')}: ${found.length} of ${all.length}`)
  }
}

function brief(): void {
  const whole = sockets.read(host, {}).sockets
  const short = sockets.read(host, { brief: true }).sockets
  assert.deepEqual(new Set(short.map(keyOf)), new Set(whole.map(keyOf)))
  assert.ok(short.every(({ tcpInfo }) => tcpInfo === null))
  assert.ok(short.some(({ state, skmem }) => state === 'LISTEN' && (skmem?.drops ?? 0) > 0))
  console.log('a brief look: the same sockets, without tcp_info, with drops')
}

function otherNamespaces(own: Scene, there: Scene): void {
  const before = readlinkSync('/proc/self/ns/net')
  const seen = snapshot(host, { pids: [there.server] })
  const path = `/proc/${there.server}/ns/net`
  const id = Number(/\d+/.exec(readlinkSync(path))?.[0])
  const found = seen.namespaces.find((one) => one.id === id)
  assert.ok(found !== undefined && found.source === 'netlink' && !found.self)
  assert.ok(found.pids.includes(there.server))
  const full = found.listeners.find(({ local }) => local.port === there.port + 1)
  assert.deepEqual([full?.depth, full?.limit, full?.holders[0]?.pid], [2, 1, there.server])
  assert.ok(found.settings.settings.has('net.core.somaxconn'))
  assert.ok((found.counters.counters.get('TcpExtListenOverflows') ?? 0) > 0)
  assert.equal(seen.namespaces[0]?.self, true)
  assert.ok(seen.namespaces[0]?.pids.includes(own.server))
  assert.equal(readlinkSync('/proc/self/ns/net'), before)
  assert.throws(() =>
    host.inNamespace(path, () => {
      assert.notEqual(readlinkSync('/proc/self/ns/net'), before)
      throw new Error('within')
    }),
  )
  assert.equal(readlinkSync('/proc/self/ns/net'), before, 'still in the other namespace')
  console.log(`another namespace was entered and left: ${found.sockets.length} sockets`)
}

function whoWaits(seen: HostSnapshot, { port, server, blocking }: Scene): void {
  const listeners = seen.namespaces[0]?.listeners ?? []
  const waits = (at: number) =>
    listeners.find(({ local }) => local.port === at)?.holders.map((one) => [one.pid, one.waits])
  assert.deepEqual(waits(port), [[server, 'epoll']])
  assert.deepEqual(waits(port + 1), [[server, 'none']])
  assert.deepEqual(waits(port + 20), [[blocking, 'accept']])
  console.log('who waits at a listener: epoll, nobody, accept()')
}

/** Processes and namespaces come and go while it looks: nothing throws, nothing stays open, nobody is called missing. */
async function vanishing(): Promise<void> {
  const before = readlinkSync('/proc/self/ns/net')
  const open = () => {
    const names = host.names('/proc/self/fd')
    return names.is === 'read' ? names.value.length : -1
  }
  const loop = 'until read -t 0.02; do unshare --net sleep 0.05 & done; wait'
  const churn = spawn('bash', ['-c', loop], { stdio: ['pipe', 'ignore', 'ignore'] })
  const ended = new Promise((resolve) => churn.once('close', resolve))
  const descriptors = open()
  let most = 0
  for (let looks = 0; looks < LOOKS; looks++) {
    const seen = snapshot(host, { owners: 'none' })
    assert.ok(!seen.missing.some(({ what }) => what === 'namespace-entry'))
    assert.equal(readlinkSync('/proc/self/ns/net'), before)
    assert.equal(open(), descriptors)
    most = Math.max(most, seen.namespaces.length)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  churn.stdin?.end('\n')
  await ended
  console.log(`namespaces that vanish: ${LOOKS} looks, ${most} of them at most`)
}

/** node --no-addons: no koffi; other namespaces through nsenter, and all but netlink and their settings is still told. */
function withoutAddons({ server, port }: Scene): void {
  const code = `
    const { nodeHost } = await import('./src/app/node-host.ts')
    const { snapshot } = await import('./src/host/snapshot.ts')
    const wanted = ({ self, pids }) => self || pids.includes(${server})
    const { namespaces, missing } = snapshot(nodeHost(), { namespace: wanted })
    const told = namespaces.map(({ source, sockets, listeners }) => [source, sockets.length,
      listeners.find(({ local }) => local.port === ${port + 1})?.limit])
    console.log(JSON.stringify([told, missing.map(({ why }) => why)]))`
  const argv = ['--no-addons', '--import', 'tsx', '--input-type=module', '-e', code]
  const ended = spawnSync(process.execPath, argv, { encoding: 'utf8' })
  assert.equal(ended.status, 0, ended.stderr)
  type Told = [string, number, number | null]
  const [[own, there], why] = JSON.parse(ended.stdout) as [Told[], string[]]
  assert.deepEqual([own?.[0], own?.[2]], ['ss', 1])
  assert.ok((own?.[1] ?? 0) > 2 * CONNECTIONS)
  assert.deepEqual([there?.[0], there?.[2]], ['ss', 1])
  assert.match(why.join(), /native addons are forbidden/)
  console.log('without native addons: told by ss, in another namespace too')
}
