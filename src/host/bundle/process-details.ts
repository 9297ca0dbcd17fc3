import { type HostFiles, readOrNull } from '../host-files.ts'
import { linesOf } from '../text.ts'

/** Of a process: what it may open, what it waits for, what it takes. */
const FILES = [
  'limits',
  'status',
  'smaps_rollup',
  'stack',
  'wchan',
  'io',
  'cgroup',
  'comm',
] as const
/** Of each of its threads. */
const THREAD_FILES = ['comm', 'status', 'wchan', 'stack'] as const

export interface DetailLimits {
  threadsOfEach: number
  threads: number
  /** False ends the reading before the next process. */
  goOn: () => boolean
}

export const MAX_THREADS = { threadsOfEach: 200, threads: 4_000 } as const

/**
 * Reads more of these processes than the readers do, for people and for what judges later; whoever records keeps it. No
 * arguments, environment or memory. Files of other users are refused, which is noted where it happens.
 * @returns the processes that were read, in the order given
 */
export function readProcessDetails(
  host: HostFiles,
  pids: readonly number[],
  limits: DetailLimits,
): number[] {
  let threads = limits.threads
  const read: number[] = []
  for (const pid of pids) {
    if (!limits.goOn()) break
    const folder = `/proc/${pid}`
    for (const name of FILES) host.bytes(`${folder}/${name}`)
    readDescriptors(host, folder)
    const tids = (readOrNull(host.names(`${folder}/task`)) ?? []).slice(0, limits.threadsOfEach)
    for (const tid of tids.slice(0, threads)) readThread(host, `${folder}/task/${tid}`)
    threads -= Math.min(threads, tids.length)
    read.push(pid)
  }
  return read
}

function readThread(host: HostFiles, folder: string): void {
  for (const name of THREAD_FILES) host.bytes(`${folder}/${name}`)
}

const MAX_EVENTPOLLS = 64

/** All that it has open, and which descriptors its event loops look at: whether anybody still polls a listener. */
function readDescriptors(host: HostFiles, folder: string): void {
  let eventpolls = 0
  for (const fd of readOrNull(host.names(`${folder}/fd`)) ?? []) {
    const link = readOrNull(host.link(`${folder}/fd/${fd}`))
    if (link !== 'anon_inode:[eventpoll]' || ++eventpolls > MAX_EVENTPOLLS) continue
    host.bytes(`${folder}/fdinfo/${fd}`)
  }
}

/** What the machine is, read once a bundle. */
export function readMachineDetails(host: HostFiles): void {
  for (const path of [
    '/etc/os-release',
    '/proc/version',
    '/proc/uptime',
    '/proc/stat',
    '/proc/vmstat',
  ]) {
    host.bytes(path)
  }
}

/** "[<ffffffff81234567>] tcp_recvmsg+0x1/0x2": where the kernel lies in memory helps an attacker. New kernels print [<0>]. */
export function withoutKernelAddresses(stack: string): string {
  return linesOf(stack)
    .map((line) => line.replace(/\[<[\da-f]+>\]/g, '[<0>]').replace(/\b0x[\da-f]{12,16}\b/g, '0x0'))
    .map((line) => `${line}\n`)
    .join('')
}
