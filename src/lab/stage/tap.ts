import { spawn } from 'node:child_process'
import type { Host } from './host.ts'
import { type Running, running } from './process.ts'
import type { Undo } from './undo.ts'
import { failed } from './wait.ts'

/** A tcpdump at a host. */
export interface Tap {
  host: Host
  path: string
  process: Running
  said: string[]
}

export interface TapOptions {
  /** Octets of each packet: 128 is headers; 0 is all. */
  snap?: number
  filter?: string
  /** A router has several: that towards the client is the one that is meant. */
  on?: string
}

/** Starts tcpdump and waits until it captures. */
export async function startTap(
  host: Host,
  path: string,
  undo: Undo,
  { snap = 128, filter = 'ip', on = 'eth0' }: TapOptions = {},
): Promise<Tap> {
  const words = `tcpdump -i ${on} -s ${snap} -U --immediate-mode -nn -B 16384 -Z root -w`.split(' ')
  const [program = '', ...args] = [...host.enter, ...words, path, filter]
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const tap: Tap = { host, path, process: running(child), said: [] }
  undo.add(`ending tcpdump at ${host.name}`, () => tap.process.end('SIGINT'))
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (octets: Buffer) => {
      tap.said.push(octets.toString())
      if (tap.said.join('').includes('listening on')) resolve()
    })
    child.on('exit', () => reject(failed(`tcpdump: ${tap.said.join('').slice(-300)}`)))
    child.on('error', (cause) => reject(failed(`tcpdump: ${cause.message}`, cause)))
  })
  return tap
}

/** @returns packets that the kernel could not hand to it */
export async function endTap(tap: Tap): Promise<number> {
  await tap.process.end('SIGINT')
  return Number(/(\d+) packets? dropped by kernel/.exec(tap.said.join(''))?.[1] ?? 0)
}
