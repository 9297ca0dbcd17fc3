import { closeSync, openSync, readSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { type HostFiles, readOrNull } from '../../host/host-files.ts'
import { processes } from '../../host/readers/processes.ts'
import { settings } from '../../host/readers/settings.ts'
import { sockets } from '../../host/readers/sockets.ts'
import { probeWords } from '../../messages/en/probe.ts'
import { render } from '../../messages/render.ts'
import type { InUse } from '../../probe/idle/advice.ts'
import { clientsOf, serversOf } from '../../probe/idle/software.ts'

const words = probeWords.idle.inUse

export interface InUseTarget {
  name: string
  address: string
  port: number
}

/** Postgres and MySQL by their ports; 'any' where nothing is known. */
const SQL_PORTS: readonly number[] = [3306, 5432, 6432, 6033]

/**
 * Who on this host has connections to these targets, or serves them: by the processes that hold the sockets. Of other processes than
 * this one, in this network namespace; without privileges of the same user.
 */
export function inUseHere(
  host: HostFiles,
  targets: readonly InUseTarget[],
  {
    isHttp,
    goFile = isGoFile,
    isOwn = isOwnAddress,
  }: {
    isHttp: boolean
    goFile?: (pid: number) => boolean
    isOwn?: (address: string) => boolean
  },
): InUse[] {
  const ports = [...new Set(targets.map(({ port }) => port))]
  const { sockets: all } = sockets.read(host, { ports })
  return targets.flatMap((target) => {
    const { address, port } = target
    const clients = all.filter(
      ({ state, remote, inode }) =>
        state === 'ESTABLISHED' && inode > 0 && remote.port === port && remote.address === address,
    )
    const listening = all.filter(
      ({ state, local, inode }) =>
        state === 'LISTEN' && inode > 0 && local.port === port && isFor(local.address, address),
    )
    const isServed = all.some(({ local }) => local.address === address)
    const speaks = isHttp ? 'http' : SQL_PORTS.includes(port) ? 'sql' : 'any'
    const used = holders(host, clients).map(({ pid, command, count }) => {
      const program = nameOf(command, pid, goFile)
      const values = { command, pid, n: count, name: target.name }
      const ids = clientsOf(program, speaks)
      return { ids, side: 'client' as const, why: render(words.client, values), count }
    })
    const served = isServed || isOwn(address) ? listening : []
    return [
      ...used,
      ...sysctl(host, target, used),
      ...holders(host, served).map(({ pid, command }) => ({
        ids: serversOf(nameOf(command, pid, goFile)),
        side: 'server' as const,
        why: render(words.server, { command, pid, name: target.name }),
        serves: { target: target.name, command, pid },
      })),
    ]
  })
}

/** Of this network namespace, or loopback. */
function isOwnAddress(address: string): boolean {
  if (address.startsWith('127.')) return true
  return Object.values(networkInterfaces()).some((all) =>
    all?.some((one) => one.address === address),
  )
}

function isFor(local: string, address: string): boolean {
  return local === address || local === '0.0.0.0' || local === '::'
}

interface Holder {
  pid: number
  command: string
  count: number
}

/** One a program: a pool of workers is told once, by the first of them. */
function holders(host: HostFiles, found: readonly { inode: number }[]): Holder[] {
  if (found.length === 0) return []
  const { owners } = processes.read(host, { inodes: new Set(found.map(({ inode }) => inode)) })
  const byCommand = new Map<string, Holder>()
  for (const [owner] of owners.values()) {
    if (owner === undefined || owner.pid === process.pid || isTcpwhy(host, owner.pid)) continue
    const known = byCommand.get(owner.command)
    if (known === undefined) {
      byCommand.set(owner.command, { pid: owner.pid, command: owner.command, count: 1 })
    } else known.count++
  }
  return [...byCommand.values()]
}

const TCPWHY = /(?:^|\/)tcpwhy(?:\.m?js)?$/

/** Another experiment's connections are nobody's pool: by the script that node runs. Nothing of the command line is kept. */
function isTcpwhy(host: HostFiles, pid: number): boolean {
  const [, ...words] = (readOrNull(host.text(`/proc/${pid}/cmdline`)) ?? '').split('\0')
  return TCPWHY.test(words.find((word) => !word.startsWith('-')) ?? '')
}

/** What those programs that only set SO_KEEPALIVE go by, and how it is set now. */
function sysctl(
  host: HostFiles,
  { name }: InUseTarget,
  used: readonly { count: number }[],
): InUse[] {
  const n = used.reduce((all, { count }) => all + count, 0)
  if (n === 0) return []
  const now = settings.read(host).settings.get('net.ipv4.tcp_keepalive_time')?.value ?? '?'
  return [{ ids: ['linux'], why: render(words.sysctl, { n, name, now }) }]
}

function nameOf(command: string, pid: number, goFile: (pid: number) => boolean): string {
  const isKnown = clientsOf(command, 'any').length > 0 || serversOf(command).length > 0
  return !isKnown && goFile(pid) ? 'go' : command
}

const HEAD_OCTETS = 8192
/** An ELF note of type 4 by "Go": the build id that every Go linker writes (cmd/link/internal/ld/elf.go). */
const GO_NOTE = Buffer.from([4, 0, 0, 0, 0x47, 0x6f, 0, 0])

/** Whether the program of this process was made by Go, by the head of its file. */
function isGoFile(pid: number): boolean {
  try {
    const fd = openSync(`/proc/${pid}/exe`, 'r')
    try {
      const head = Buffer.alloc(HEAD_OCTETS)
      const count = readSync(fd, head, 0, HEAD_OCTETS, 0)
      return head.subarray(0, count).includes(GO_NOTE)
    } finally {
      closeSync(fd)
    }
  } catch {
    return false
  }
}
