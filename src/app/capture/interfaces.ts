// Linux net/ipv4/igmp.c igmp_mc_seq_show, net/ipv6/addrconf.c if6_seq_show, net/core/net-procfs.c dev_mc_seq_show.
import { type HostFiles, readOrNull } from '../../host/host-files.ts'
import { linesOf, wordsOf } from '../../host/text.ts'

/**
 * Names of network interfaces by index, in the network namespace of a process. Only files of /proc are read, which need
 * no entering; an interface that is down or has no address may be missing.
 */
export function interfaceNames(host: HostFiles, pid: number): Map<number, string> {
  const names = new Map<number, string>()
  const folder = `/proc/${pid}/net`
  const words = (name: string) =>
    linesOf(readOrNull(host.text(`${folder}/${name}`)) ?? '').map((line) => wordsOf(line))
  // "2	eth0      :     1      V3"; the addresses below begin with blanks and are hexadecimal.
  for (const [index, name] of words('igmp')) {
    if (index !== undefined && name !== undefined && /^\d+$/.test(index)) {
      names.set(Number(index), name.replace(/:$/, ''))
    }
  }
  for (const [, index, , , , name] of words('if_inet6')) {
    if (index !== undefined && name !== undefined) names.set(Number.parseInt(index, 16), name)
  }
  for (const [index, name] of words('dev_mcast')) {
    if (index !== undefined && name !== undefined) names.set(Number(index), name)
  }
  return names
}
