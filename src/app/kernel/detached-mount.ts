// Linux include/uapi/linux/mount.h and include/uapi/asm-generic/unistd.h, v6.18. The numbers are those of all architectures that
// Node runs on: calls that came after 5.0 have one number everywhere.
import { type Libc, loadLibc } from './libc.ts'

const SYS_FSOPEN = 430
const SYS_FSCONFIG = 431
const SYS_FSMOUNT = 432
const FSOPEN_CLOEXEC = 1
const FSMOUNT_CLOEXEC = 1
const FSCONFIG_CMD_CREATE = 6
const MOUNT_ATTR_NOSUID_NODEV_NOEXEC = 2 | 4 | 8

export interface DetachedMount {
  /** Good for this process alone, until it closes it or ends. */
  folder: string
  close(): void
}

/**
 * A file system that is mounted nowhere: no table of mounts shows it, nobody else sees it, and when this process ends, however
 * it does, it is gone. Needs Linux 5.2 and CAP_SYS_ADMIN. @returns why not, for people, where that fails
 */
export function mountDetached(type: string): DetachedMount | { failed: string } {
  const loaded = loadLibc()
  if (loaded.is === 'missing') return { failed: loaded.why }
  const { libc } = loaded
  const mount = mountOf(libc, type)
  if (mount < 0) return { failed: `errno ${libc.errno()}` }
  return { folder: `/proc/self/fd/${mount}`, close: () => libc.close(mount) }
}

function mountOf({ syscall, close }: Libc, type: string): number {
  const context = syscall(SYS_FSOPEN, 'const char *', type, 'uint', FSOPEN_CLOEXEC)
  if (context < 0) return context
  const none = ['const char *', null, 'const char *', null, 'int', 0] as const
  const made = syscall(SYS_FSCONFIG, 'int', context, 'uint', FSCONFIG_CMD_CREATE, ...none)
  const flags = ['uint', FSMOUNT_CLOEXEC, 'uint', MOUNT_ATTR_NOSUID_NODEV_NOEXEC] as const
  const mount = made < 0 ? made : syscall(SYS_FSMOUNT, 'int', context, ...flags)
  close(context)
  return mount
}
