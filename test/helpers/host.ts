import type { HostFiles } from '../../src/host/host-files.ts'
import { hostWith } from './recorded-host.ts'

/** A host of these files and nothing else. Without arguments: a Linux 6.18.44 with a listener on port 80 at which 3 wait. */
export function linuxHost({
  files = FILES,
  release = '6.18.44',
  platform = 'linux',
}: {
  files?: Readonly<Record<string, string>>
  release?: string
  platform?: string
} = {}): HostFiles {
  return hostWith({ files, release, platform })
}

const FILES = {
  '/proc/sys/net/core/somaxconn': '4096\n',
  '/proc/sys/net/ipv4/tcp_max_syn_backlog': '512\n',
  '/proc/sys/net/ipv4/tcp_syncookies': '1\n',
  '/proc/net/tcp':
    'heading\n   0: 00000000:0050 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 21008 1 0000000000000000 100 0 0 10 0\n',
}
