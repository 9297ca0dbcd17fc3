import type { SnapshotAsk } from '../host/snapshot.ts'

/** What part of a host is meant, as it was asked for; the whole host when nothing is said. */
export interface HostPart {
  ports?: readonly number[]
  pids?: readonly number[]
  /** By the name that `ip netns` has for it. */
  netns?: string
  /** By its inode. */
  netnsId?: number
}

export function snapshotAsk({ ports, pids, netns, netnsId }: HostPart): SnapshotAsk {
  return {
    ...(ports === undefined || ports.length === 0 ? {} : { ports }),
    ...(pids === undefined || pids.length === 0 ? {} : { pids }),
    ...(netnsId !== undefined
      ? { namespace: ({ id }) => id === netnsId }
      : netns !== undefined
        ? { namespace: ({ name }) => name === netns }
        : {}),
  }
}
