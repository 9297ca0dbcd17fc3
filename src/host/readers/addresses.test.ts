import { describe, expect, test } from 'vitest'
import type { HostFiles } from '../host-files.ts'
import { localAddresses } from './addresses.ts'

// Read in a container, Linux 6.18: the main and the local table are the same rules, so each address is told twice.
const FIB_TRIE = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
     +-- 192.0.2.0/24 2 0 2
        +-- 192.0.2.0/30 2 0 2
           |-- 192.0.2.0
              /24 link UNICAST
           |-- 192.0.2.2
              /32 host LOCAL
        |-- 192.0.2.255
           /32 link BROADCAST
Local:
           |-- 192.0.2.2
              /32 host LOCAL
`
const IF_INET6 = `00000000000000000000000000000001 01 80 10 80       lo
fd000000000000000000000000000002 04 40 00 82     eth0
fe8000000000000000fc00fffe000001 04 40 20 80     eth0
`

function host(files: Readonly<Record<string, string>>): HostFiles {
  const text = (path: string) => {
    const value = files[path]
    return value === undefined ? { is: 'unreadable', why: 'missing', path } : { is: 'read', value }
  }
  return { text } as unknown as HostFiles
}

describe('addresses of a namespace', () => {
  test('of both families, without loopback', () => {
    const files = { '/proc/77/net/fib_trie': FIB_TRIE, '/proc/77/net/if_inet6': IF_INET6 }
    expect(localAddresses(host(files), { netOf: 77 })).toEqual([
      '192.0.2.2',
      'fd00::2',
      'fe80::fc:ff:fe00:1',
    ])
  })

  test('none where nothing can be read', () => {
    expect(localAddresses(host({}), {})).toEqual([])
  })
})
