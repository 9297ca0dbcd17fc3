// Linux net/ipv4/fib_trie.c fib_trie_seq_show, net/ipv6/addrconf.c if6_seq_show, v6.18.
import { formatIpv6 } from '../../base/addresses.ts'
import { type HostFiles, readOrNull } from '../host-files.ts'
import { type HostAsk, netFolder } from '../reader.ts'
import { linesOf, wordsOf } from '../text.ts'

/** The addresses of a namespace's own interfaces, "10.0.0.2" and "fe80::1"; loopback, which all have, is left out. */
export function localAddresses(host: HostFiles, ask: HostAsk): string[] {
  const read = (name: string) => readOrNull(host.text(`${netFolder(ask)}/${name}`)) ?? ''
  const found = [...addresses4(read('fib_trie')), ...addresses6(read('if_inet6'))]
  return [...new Set(found)].filter((address) => address !== '::1' && !address.startsWith('127.'))
}

/** "|-- 10.0.0.2" and on the next line "/32 host LOCAL". */
function addresses4(text: string): string[] {
  const lines = linesOf(text)
  return lines.flatMap((line, n) => {
    const address = /^\s*\|--\s(\S+)$/.exec(line)?.[1]
    const isOwn = /^\s*\/32 host LOCAL$/.test(lines[n + 1] ?? '')
    return address !== undefined && isOwn ? [address] : []
  })
}

/** "fe8000000000000000fc00fffe000001 04 40 20 80     eth0" */
function addresses6(text: string): string[] {
  return linesOf(text).flatMap((line) => {
    const [hex = ''] = wordsOf(line)
    if (!/^[0-9a-f]{32}$/.test(hex)) return []
    const words = [0, 8, 16, 24].map((at) => Number.parseInt(hex.slice(at, at + 8), 16) | 0)
    return [formatIpv6(words)]
  })
}
