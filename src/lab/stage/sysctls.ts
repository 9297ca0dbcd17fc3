/** Pinned in every namespace, so that a distribution's defaults do not change what a run shows. */
export const SYSCTLS: Readonly<Record<string, string | number>> = {
  'net.ipv4.tcp_timestamps': 1,
  'net.ipv4.tcp_sack': 1,
  'net.ipv4.tcp_window_scaling': 1,
  'net.ipv4.tcp_ecn': 2,
  'net.ipv4.tcp_syncookies': 1,
  'net.ipv4.tcp_abort_on_overflow': 0,
  'net.ipv4.tcp_max_syn_backlog': 65535,
  'net.ipv4.tcp_syn_linear_timeouts': 4,
  'net.ipv4.tcp_syn_retries': 6,
  'net.ipv4.tcp_synack_retries': 5,
  'net.ipv4.tcp_retries2': 15,
  'net.ipv4.tcp_fin_timeout': 60,
  'net.ipv4.tcp_rfc1337': 0,
  'net.ipv4.tcp_no_metrics_save': 1,
  'net.ipv4.tcp_rmem': '4096 131072 6291456',
  'net.ipv4.tcp_wmem': '4096 16384 4194304',
  // The one that is always there.
  'net.ipv4.tcp_congestion_control': 'reno',
  'net.ipv4.ip_default_ttl': 64,
  'net.ipv4.ip_local_port_range': '45000 60999',
  'net.ipv4.icmp_ratelimit': 0,
  'net.core.somaxconn': 65535,
  'net.ipv6.conf.all.disable_ipv6': 1,
}

/** As `sysctl -p -` reads them. */
export function sysctlLines(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('')
}
