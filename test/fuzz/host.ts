import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert } from '../../src/base/assert.ts'
import { decodeTcpInfo } from '../../src/host/kernel/tcp-info.ts'
import { decodeDump } from '../../src/host/netlink/sock-diag.ts'
import { decodeEvents } from '../../src/host/tracefs/events.ts'
import { parseFormat, parseHeaderPage, type TraceFormat } from '../../src/host/tracefs/format.ts'
import { root } from '../helpers/built.ts'
import type { FuzzTarget } from './target.ts'

const recorded = (name: string) => new Uint8Array(readFileSync(join(root, 'test/hosts/6.18', name)))

const formatFiles = ['tcp/tcp_send_reset', 'tcp/tcp_receive_reset', 'sock/inet_sock_set_state'].map(
  (name) => recorded(`tracefs/events/${name}/format`),
)
const headerPage = recorded('tracefs/events/header_page')
const pages = [recorded('tracefs/resets.cpu0.bin'), recorded('tracefs/lost.cpu0.bin')]
const textOf = (octets: Uint8Array) => new TextDecoder().decode(octets)

/** As many events as pages can hold, and values as long as their records. */
function checkPages(octets: Uint8Array, header: string, formats: readonly string[]): void {
  const layout = parseHeaderPage(header)
  const known = new Map<number, TraceFormat>()
  for (const text of formats) {
    const format = parseFormat(text)
    if (format !== null) known.set(format.id, format)
  }
  if (layout === null) return
  for (const littleEndian of [true, false]) {
    let count = 0
    const result = decodeEvents(octets, { layout, formats: known, littleEndian }, (event) => {
      count++
      assert(typeof event.timeNs === 'bigint' && Number.isInteger(event.pid), 'no time or no task')
    })
    assert((count + result.unknown) * 4 <= octets.length, 'more events than octets can hold')
    assert(Number.isSafeInteger(result.lost), 'lost is no number')
  }
}

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
  {
    id: 'host-trace-pages',
    samples: pages,
    check: (octets) => checkPages(octets, textOf(headerPage), formatFiles.map(textOf)),
  },
  {
    id: 'host-trace-format',
    samples: [...formatFiles, headerPage],
    check(octets) {
      const text = textOf(octets)
      for (const page of pages) {
        checkPages(page, textOf(headerPage), [text])
        checkPages(page, text, formatFiles.map(textOf))
      }
    },
  },
]
