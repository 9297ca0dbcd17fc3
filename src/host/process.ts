import { cgroupOf } from './cgroup.ts'
import type { Cgroup } from './facts.ts'
import { type HostFiles, readOrNull } from './host-files.ts'
import { decimal } from './text.ts'

/** Of all processes that /proc shows, in its order. */
export function pidsOf(host: HostFiles): number[] {
  const names = readOrNull(host.names('/proc')) ?? []
  return names.map(decimal).filter((pid) => pid !== null)
}

/** /proc/PID/comm, '' when the process is gone. */
export function commandOf(host: HostFiles, pid: number): string {
  return (readOrNull(host.text(`/proc/${pid}/comm`)) ?? '').replace(/\n$/, '')
}

export function cgroupOfPid(host: HostFiles, pid: number): Cgroup | null {
  return cgroupOf(readOrNull(host.text(`/proc/${pid}/cgroup`)) ?? '')
}

/** null: none, or init. */
export function parentOf(host: HostFiles, pid: number): number | null {
  const status = readOrNull(host.text(`/proc/${pid}/status`)) ?? ''
  const parent = decimal(/^PPid:\s*(\d+)/m.exec(status)?.[1])
  return parent === null || parent <= 1 ? null : parent
}

/** CAP_SYS_PTRACE is bit 19. @see Linux include/uapi/linux/capability.h, fs/proc/array.c task_cap */
const CAP_SYS_PTRACE = 1n << 19n

/**
 * Why the kernel does not show what processes have open or where they are, for a sentence: root may hold the capability and be
 * refused all the same, so saying that it needs it would be wrong. @see Linux kernel/ptrace.c __ptrace_may_access
 */
export function whyRefused(host: HostFiles): string {
  const status = readOrNull(host.text('/proc/self/status')) ?? ''
  const [, effective] = /^CapEff:\s*([\da-f]{1,16})$/m.exec(status) ?? []
  const has = effective !== undefined && (BigInt(`0x${effective}`) & CAP_SYS_PTRACE) !== 0n
  return has
    ? 'the kernel refuses although tcpwhy has CAP_SYS_PTRACE, as a security module or another user namespace makes it'
    : 'needs CAP_SYS_PTRACE'
}

/** "1 process (pid 1)", "12 processes (pids 1, 7, 9, ...)" */
export function processesText(pids: readonly number[]): string {
  const named = pids.slice(0, MAX_NAMED).join(', ') + (pids.length > MAX_NAMED ? ', ...' : '')
  return pids.length === 1 ? `1 process (pid ${named})` : `${pids.length} processes (pids ${named})`
}

const MAX_NAMED = 3

/** PROC_PID_INIT_INO of include/linux/proc_ns.h: the first process namespace has this inode on every kernel. */
export const FIRST_PID_NAMESPACE = 0xeffffffc

/** Why processes of the host may be missing from /proc altogether, in words; null: none is. */
export function whyProcessesMissing(host: HostFiles): string | null {
  const own = readOrNull(host.link('/proc/self/ns/pid'))
  if (own !== null && own !== `pid:[${FIRST_PID_NAMESPACE}]`) {
    return 'tcpwhy runs in a process namespace of its own, as in a container: /proc shows only processes in it'
  }
  const mounts = readOrNull(host.text('/proc/mounts')) ?? ''
  const hides = /^\S+ \/proc proc \S*\bhidepid=(2|4|invisible|ptraceable)\b/m.test(mounts)
  return hides && !pidsOf(host).includes(1)
    ? '/proc hides the processes of other users (mount option hidepid)'
    : null
}
