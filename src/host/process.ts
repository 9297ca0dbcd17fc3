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
