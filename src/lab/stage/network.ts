import { existsSync } from 'node:fs'
import { Host, type HostName } from './host.ts'
import { run, start } from './process.ts'
import { abandonedSlots, namespacesOf, releaseSlot, type Slot, strayNamespaces } from './slot.ts'
import { SYSCTLS, sysctlLines } from './sysctls.ts'
import { putBackLeft } from './touch-host.ts'
import type { Undo } from './undo.ts'
import { sleep } from './wait.ts'

const FIRST_NET = 64

/** 10.64.1.2: host 1 of slot 0; the router has .1 in each of these nets. */
export function addressOf(slot: Slot, net: number, last = 2): string {
  return `10.${FIRST_NET + slot.number}.${net}.${last}`
}

/** "10.64.": what all addresses of the slot begin with. */
export function networkOf(slot: Slot): string {
  return `10.${FIRST_NET + slot.number}.`
}

/**
 * A star: every host on a net of its own, joined by the router. The links are made inside the namespaces, so nothing of
 * them is ever seen on the machine's own network.
 */
export async function layNetwork(
  slot: Slot,
  names: readonly HostName[],
  undo: Undo,
): Promise<Map<HostName, Host>> {
  const hosts = new Map<HostName, Host>()
  for (const [n, name] of (['router', ...names] as const).entries()) {
    const address = n === 0 ? addressOf(slot, 1, 1) : addressOf(slot, n)
    const namespace = `${slot.prefix}-${name}`
    const host = new Host({ name, namespace, address, folder: slot.folder, undo })
    await addNamespace(host, slot, undo)
    hosts.set(name, host)
  }
  const router = hosts.get('router')!
  for (const [n, name] of names.entries()) await join(hosts.get(name)!, router, slot, n + 1)
  await router.sysctl({ 'net.ipv4.ip_forward': 1 })
  return hosts
}

async function addNamespace(host: Host, slot: Slot, undo: Undo): Promise<void> {
  await run(['ip', 'netns', 'add', host.namespace])
  undo.add(`removing ${host.namespace}`, () => removeNamespace(host.namespace))
  const holder = start([...host.enter, 'sleep', '100000'], `${slot.folder}/${host.name}-holder.log`)
  undo.add(`ending the holder of ${host.namespace}`, () => holder.end('SIGKILL'))
  host.holder = holder.pid
  await host.ip('link set lo up')
  await host.run(['sysctl', '-e', '-q', '-p', '-'], sysctlLines(SYSCTLS))
}

async function join(host: Host, router: Host, slot: Slot, net: number): Promise<void> {
  const mac = `02:00:0a:${hex(FIRST_NET + slot.number)}:${hex(net)}`
  const port = `to-${host.name}`
  await run(
    `ip link add ${port} netns ${router.namespace} address ${mac}:01 type veth peer name eth0 netns ${host.namespace} address ${mac}:02`.split(
      ' ',
    ),
  )
  const off = 'tx off tso off gso off gro off'.split(' ')
  await router.run(['ethtool', '-K', port, ...off])
  await host.run(['ethtool', '-K', 'eth0', ...off])
  await router.ip(
    `addr add ${addressOf(slot, net, 1)}/24 dev ${port}`,
    `link set ${port} up txqueuelen 10000`,
  )
  await host.ip(
    `addr add ${addressOf(slot, net)}/24 dev eth0`,
    'link set eth0 up txqueuelen 10000',
    `route add default via ${addressOf(slot, net, 1)}`,
  )
}

function hex(octet: number): string {
  return octet.toString(16).padStart(2, '0')
}

/** Ends what still runs inside, then removes it. */
async function removeNamespace(name: string): Promise<void> {
  for (const pid of await inhabitants(name)) kill(Number(pid))
  await run(['ip', 'netns', 'del', name])
}

const LOOKS = 3
const BETWEEN_LOOKS_MS = 40

/** Whoever only looks in, as `tcpwhy diagnose` does while it reads the sockets of all namespaces, is out again a moment later. */
async function inhabitants(name: string): Promise<string[]> {
  let found = await pidsIn(name)
  for (let look = 1; look < LOOKS && found.length > 0; look++) {
    await sleep(BETWEEN_LOOKS_MS)
    const still = new Set(await pidsIn(name))
    found = found.filter((pid) => still.has(pid))
  }
  return found
}

async function pidsIn(name: string): Promise<string[]> {
  return (await run(['ip', 'netns', 'pids', name])).split(/\s+/).filter((word) => word !== '')
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}

/** What runs that were killed left behind, settings of the machine included. @returns their names */
export async function removeLeftovers(): Promise<string[]> {
  const removed: string[] = putBackLeft()
  for (const slot of abandonedSlots()) {
    for (const name of namespacesOf(slot)) {
      await removeNamespace(name)
      removed.push(name)
    }
    if (await isReleased(slot)) removed.push(slot.folder)
  }
  // Of a live lab, whatever its folder for temporary files, each has a process that holds it.
  for (const name of strayNamespaces()) {
    if (await isEmptyFor(name)) {
      await removeNamespace(name)
      removed.push(name)
    }
  }
  return removed
}

/** Between its making and its holder there is a moment. */
async function isEmptyFor(name: string): Promise<boolean> {
  for (let look = 0; look < LOOKS; look++) {
    if ((await pidsIn(name)).length > 0) return false
    await sleep(BETWEEN_LOOKS_MS * LOOKS)
  }
  return true
}

/** What cannot be removed now is no reason not to play: the next run tries again. */
async function isReleased(slot: Slot): Promise<boolean> {
  const mounted = `${slot.folder}/tracing`
  try {
    // Earlier versions mounted tracefs there.
    if (existsSync(`${mounted}/instances`)) await run(['umount', '--lazy', mounted])
    releaseSlot(slot)
    return true
  } catch {
    return false
  }
}
