import type { ScenePorts } from '../../src/app/bundle/collect.ts'
import { takeSnapshot } from '../../src/app/bundle/snapshot.ts'
import type { EventsRecording } from '../../src/host/events.ts'
import type { HostFiles } from '../../src/host/host-files.ts'
import { eventsOf } from '../../src/host/tracefs/replay.ts'
import { type Changes, fileOf, hostFrom, sceneOf } from '../helpers/recorded-host.ts'
import { recordedEvents } from './events.ts'

export const FOLDER = 'test/hosts/6.18'
export const scene = sceneOf(FOLDER)
const CONTAINER = 'ab'.repeat(32)

/** The recorded host with a second network namespace, a container's. */
export const twoNamespaces: Changes = {
  links: { '/proc/77/ns/net': 'net:[42]' },
  files: { '/proc/77/cgroup': `0::/docker/${CONTAINER}\n`, '/proc/77/comm': 'app\n' },
  namespaces: {
    42: {
      files: {
        '/proc/net/tcp': fileOf(FOLDER, 'proc/net/tcp'),
        '/proc/net/snmp': 'Tcp: OutRsts\nTcp: 5\n',
        '/proc/sys/net/core/somaxconn': '128\n',
      },
    },
  },
}

export const KERNEL_LOG = '[    1.000000] TCP: request_sock_TCP: Possible SYN flooding on port 80\n'

export interface Happened {
  events?: EventsRecording
  kernelLog?: string
  capture?: ScenePorts['capture']
}

/** A snapshot of a recorded machine; what the kernel tells meanwhile is recorded too. */
export function snapshotOf(
  host: HostFiles = hostFrom(FOLDER, twoNamespaces),
  options: Partial<Parameters<typeof takeSnapshot>[0]> = {},
  { events = recordedEvents(), kernelLog = KERNEL_LOG, capture = noCapture }: Happened = {},
) {
  return takeSnapshot(
    { forMs: 0, maxOctets: 50_000_000, redact: false, ...options },
    {
      host,
      watch: () => ({
        counts: () => eventsOf(events).counts,
        stop: () => eventsOf(events),
        recording: () => events,
      }),
      kernelLog: () => ({ is: 'read', log: { text: kernelLog, withheld: 1 } }),
      capture,
    },
  )
}

const noCapture: ScenePorts['capture'] = async () => ({
  stop: async () => ({ is: 'failed', why: 'no tcpdump here' }),
})

export function archiveOf({ pieces }: { pieces: readonly Uint8Array[] }): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces))
}
