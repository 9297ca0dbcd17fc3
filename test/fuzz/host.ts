import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert } from '../../src/base/assert.ts'
import { cgroupOf } from '../../src/host/cgroup.ts'
import type { HostFiles } from '../../src/host/host-files.ts'
import { type DiagSocket, decodeDump } from '../../src/host/netlink/sock-diag.ts'
import { readers } from '../../src/host/readers/index.ts'
import { resetStory } from '../../src/host/reset-story.ts'
import { snapshot } from '../../src/host/snapshot.ts'
import { parseSs } from '../../src/host/ss-sockets.ts'
import { decodeEvents } from '../../src/host/tracefs/events.ts'
import { parseFormat, parseHeaderPage, type TraceFormat } from '../../src/host/tracefs/format.ts'
import { maskPointers, PointerMask } from '../../src/host/tracefs/mask.ts'
import { eventsOf, recordedFormats } from '../../src/host/tracefs/replay.ts'
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

/** A recording of which pages, or the formats, are these octets. */
function checkRecording(octets: Uint8Array): void {
  const given = formatFiles.map(textOf)
  for (const formats of [given, [textOf(octets), ...given.slice(1)]]) {
    const recording = {
      littleEndian: octets.length % 2 === 0,
      arch: 'x64',
      headerPage: textOf(headerPage),
      formats: Object.fromEntries(formats.map((text, i) => [`event/${i}`, text])),
      pages: [
        { cpu: 0, octets: octets.slice() },
        ...pages.map((page) => ({ cpu: 1, octets: page })),
      ],
      pagesLeftOut: 0,
      tasks: {},
      overrun: 0,
      fromNs: null,
      toNs: null,
      establishedUntilNs: null,
      realtimeOffsetNs: null,
      missing: [],
    }
    const facts = eventsOf(recording, { perGroup: 2, groups: 50 })
    assert(facts.events.length <= 2 * 50 * 2, 'more events kept than were asked for')
    const context = { events: facts, abortOnOverflow: null, listenOverflows: null }
    for (const event of facts.events) {
      if (event.kind === 'reset-sent') {
        assert(resetStory(event, context).causes.length < 10, 'a reset that can be anything')
      }
    }
    const { layout, formats: known } = recordedFormats(recording)!
    const masked = octets.slice()
    maskPointers(masked, { layout, formats: known, littleEndian: true }, new PointerMask())
    assert(masked.length === octets.length, 'a page of another length')
  }
}

/** A machine of which every file is this text, every folder lists its words and every link leads to one. */
function hostOf(octets: Uint8Array): HostFiles {
  const text = textOf(octets)
  const words = text.split(/\s+/, 6)
  return {
    platform: () => 'linux',
    release: () => text,
    endianness: () => (octets.length % 2 === 0 ? 'LE' : 'BE'),
    hostName: () => words[0] ?? '',
    nowMs: () => 0,
    epochMs: () => 0,
    text: () => ({ is: 'read', value: text }),
    bytes: () => ({ is: 'read', value: octets }),
    names: () => ({ is: 'read', value: words }),
    link: (path) => ({ is: 'read', value: words[path.length % words.length] ?? '' }),
    inode: (path) => ({ is: 'read', value: path.length }),
    size: () => ({ is: 'read', value: octets.length }),
    space: () => ({ is: 'read', value: { size: 1, available: 1, inodes: 1, inodesFree: 1 } }),
    sockDiag(_, take) {
      take(octets)
      return { is: 'read', value: null }
    },
    ss: () => ({ is: 'read', value: text }),
    nft: () => ({ is: 'read', value: text }),
    inNamespace: (_, look) => ({ is: 'read', value: look(hostOf(octets)) }),
  }
}

const procFiles = [
  'net/tcp',
  'net/tcp6',
  'net/snmp',
  'net/netstat',
  'net/sockstat',
  'net/softnet_stat',
]
const others = ['ss-tanoiem.txt', 'sock-diag-inet.bin']
const moreFiles = ['net/stat/nf_conntrack', 'loadavg', 'meminfo', 'pressure/cpu', 'sys/fs/file-nr']

/** What is decoded only when it is asked for. */
function touch(socket: DiagSocket): void {
  const { tcpInfo, skmem, cookie, mark, cgroupId, v6only, shutdown, congestionControl } = socket
  const values = [...Object.values(tcpInfo ?? {}), ...Object.values(skmem ?? {})]
  assert(
    values.every((value) => value >= 0),
    'a negative field',
  )
  assert(cookie >= 0n && (mark ?? 0) >= 0 && (cgroupId ?? 0n) >= 0n, 'a negative number')
  assert((congestionControl?.length ?? 0) <= 16 && (shutdown ?? 0) <= 255, 'a long name')
  assert(v6only !== undefined, 'neither told nor null')
}

/** Any octets in; nothing throws, and no more comes out than the octets can hold. */
export const hostTargets: readonly FuzzTarget[] = [
  {
    id: 'host-sock-diag',
    samples: [recorded('sock-diag-inet.bin'), recorded('sock-diag-inet6.bin')],
    check(octets) {
      for (const littleEndian of [true, false]) {
        let count = 0
        decodeDump(octets, littleEndian, (socket) => {
          count++
          touch(socket)
          const { local, remote } = socket
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
    id: 'host-kernel-events',
    samples: [...pages, ...formatFiles],
    check: checkRecording,
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
  {
    id: 'host-readers',
    samples: [...[...procFiles, ...moreFiles].map((name) => `proc/${name}`), ...others].map(
      recorded,
    ),
    check(octets) {
      const host = hostOf(octets)
      const ask = { netOf: 1, pids: [1], inodes: new Set([1]) }
      for (const reader of readers) {
        assert(/^(yes|no)$/.test(reader.canRun(host, ask).is), reader.id)
        assert(typeof reader.read(host, ask) === 'object', reader.id)
      }
      cgroupOf(textOf(octets))
      const printed = parseSs(textOf(octets))
      assert((printed.sockets.length + printed.odd) * 2 <= octets.length + 2, 'lines from nothing')
      let looks = 0
      const { hidden } = snapshot(host, { namespace: () => looks++ < 2 })
      assert(typeof hidden === 'number', 'no snapshot')
    },
  },
]
