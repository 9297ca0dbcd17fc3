import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert } from '../../src/base/assert.ts'
import { decodeTcpInfo } from '../../src/host/kernel/tcp-info.ts'
import { decodeDump } from '../../src/host/netlink/sock-diag.ts'
import { root } from '../helpers/built.ts'
import type { FuzzTarget } from './target.ts'

const recorded = (name: string) => new Uint8Array(readFileSync(join(root, 'test/hosts/6.18', name)))

/** Any octets in; nothing throws, and no more comes out than the octets can hold. */
export const hostTargets: readonly FuzzTarget[] = [
  {
    id: 'host-sock-diag',
    samples: [recorded('sock-diag-inet.bin'), recorded('sock-diag-inet6.bin')],
    check(octets) {
      for (const littleEndian of [true, false]) {
        let count = 0
        decodeDump(octets, littleEndian, ({ tcpInfo, local, remote }) => {
          count++
          if (tcpInfo !== null) decodeTcpInfo(tcpInfo, littleEndian)
          assert(local.port <= 0xffff && remote.port <= 0xffff, 'a port of more than 16 bits')
        })
        assert(count * 88 <= octets.length, 'more sockets than octets can hold')
      }
    },
  },
]
