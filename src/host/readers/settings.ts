import type { Setting, SettingFacts } from '../facts.ts'
import { type HostFiles, whyUnreadable } from '../host-files.ts'
import { type CanRun, canRead, type HostAsk } from '../reader.ts'
import { decimal, wordsOf } from '../text.ts'

/**
 * The settings that decide how connections live and die. Scope as seen on 6.18: what a fresh network namespace does
 * not show, or shows with one value for all, is the host's. Older kernels had more of them host-wide.
 */
const SETTINGS: readonly (readonly [string, 'namespace' | 'host'])[] = [
  ['fs.file-max', 'host'],
  ['fs.nr_open', 'host'],
  ['net.core.netdev_max_backlog', 'host'],
  ['net.core.somaxconn', 'namespace'],
  ['net.ipv4.ip_local_port_range', 'namespace'],
  ['net.ipv4.ip_local_reserved_ports', 'namespace'],
  ['net.ipv4.tcp_abort_on_overflow', 'namespace'],
  ['net.ipv4.tcp_fin_timeout', 'namespace'],
  ['net.ipv4.tcp_keepalive_intvl', 'namespace'],
  ['net.ipv4.tcp_keepalive_probes', 'namespace'],
  ['net.ipv4.tcp_keepalive_time', 'namespace'],
  ['net.ipv4.tcp_max_orphans', 'host'],
  ['net.ipv4.tcp_max_syn_backlog', 'namespace'],
  ['net.ipv4.tcp_max_tw_buckets', 'namespace'],
  ['net.ipv4.tcp_mem', 'host'],
  ['net.ipv4.tcp_mtu_probing', 'namespace'],
  ['net.ipv4.tcp_orphan_retries', 'namespace'],
  ['net.ipv4.tcp_retries1', 'namespace'],
  ['net.ipv4.tcp_retries2', 'namespace'],
  ['net.ipv4.tcp_rfc1337', 'namespace'],
  ['net.ipv4.tcp_rmem', 'namespace'],
  ['net.ipv4.tcp_syn_linear_timeouts', 'namespace'],
  ['net.ipv4.tcp_syn_retries', 'namespace'],
  ['net.ipv4.tcp_synack_retries', 'namespace'],
  ['net.ipv4.tcp_syncookies', 'namespace'],
  ['net.ipv4.tcp_timestamps', 'namespace'],
  ['net.ipv4.tcp_tw_reuse', 'namespace'],
  ['net.ipv4.tcp_wmem', 'namespace'],
  ['net.netfilter.nf_conntrack_buckets', 'host'],
  ['net.netfilter.nf_conntrack_max', 'host'],
  ['net.netfilter.nf_conntrack_tcp_be_liberal', 'namespace'],
  ['net.netfilter.nf_conntrack_tcp_loose', 'namespace'],
  ['net.netfilter.nf_conntrack_tcp_timeout_close_wait', 'namespace'],
  ['net.netfilter.nf_conntrack_tcp_timeout_established', 'namespace'],
  ['net.netfilter.nf_conntrack_tcp_timeout_fin_wait', 'namespace'],
  ['net.netfilter.nf_conntrack_tcp_timeout_max_retrans', 'namespace'],
  ['net.netfilter.nf_conntrack_tcp_timeout_time_wait', 'namespace'],
  ['net.netfilter.nf_conntrack_tcp_timeout_unacknowledged', 'namespace'],
]

export const settings = {
  id: 'settings',

  canRun(host: HostFiles, ask: HostAsk): CanRun {
    if (ask.netOf !== undefined && otherNamespace(host, ask.netOf)) {
      return {
        is: 'no',
        why: `/proc/sys shows the settings of the reader's own network namespace, not those of process ${ask.netOf}: enter its namespace first`,
      }
    }
    return canRead(host, ['/proc/sys/net/core/somaxconn', '/proc/sys/fs/file-max'])
  },

  /** Settings of the namespace that the reading thread is in. */
  read(host: HostFiles): SettingFacts {
    const settings = new Map<string, Setting>()
    const absent: SettingFacts['absent'][number][] = []
    for (const [name, scope] of SETTINGS) {
      const read = host.text(`/proc/sys/${name.replaceAll('.', '/')}`)
      if (read.is === 'read') {
        const value = read.value.trim()
        settings.set(name, { name, value, numbers: numbersOf(value), scope })
      } else absent.push({ name, scope, why: whyUnreadable(read) })
    }
    return { settings, absent }
  },
}

/** True too when it cannot be told. */
function otherNamespace(host: HostFiles, pid: number): boolean {
  const own = host.link('/proc/self/ns/net')
  const other = host.link(`/proc/${pid}/ns/net`)
  return own.is !== 'read' || other.is !== 'read' || own.value !== other.value
}

function numbersOf(value: string): number[] {
  const numbers = wordsOf(value).map(decimal)
  return numbers.every((number) => number !== null) ? numbers : []
}
