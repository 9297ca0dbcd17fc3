import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { watchKernelEvents } from '../../src/app/kernel-events.ts'
import type { TraceFiles } from '../../src/app/trace-files.ts'
import { cleanUpLeftovers, type Machine } from '../../src/app/trace-instance.ts'
import { eventsOf } from '../../src/host/tracefs/replay.ts'
import { root } from '../helpers/built.ts'
import { type Changes, fileOf, hostWith } from '../helpers/recorded-host.ts'

const FOLDER = 'test/hosts/6.18/tracefs'
const TRACEFS = '/sys/kernel/tracing'
const OWN = `${TRACEFS}/instances/tcpwhy-77-900`
const EVENTS = ['tcp/tcp_send_reset', 'tcp/tcp_receive_reset', 'sock/inet_sock_set_state']
/** The start time is field 22, and the command may hold anything. */
const STAT = (pid: number, started: number) => `${pid} (a) b) S ${'0 '.repeat(18)}${started} 0 0`

const files: Record<string, string> = {
  '/proc/self/mountinfo': `24 19 0:12 / ${TRACEFS} rw,nosuid - tracefs tracefs rw\n`,
  '/proc/77/stat': STAT(77, 900),
  [`${TRACEFS}/events/header_page`]: fileOf(FOLDER, 'events/header_page'),
  [`${OWN}/per_cpu/cpu0/stats`]: 'entries: 0\noverrun: 3\ncommit overrun: 1\ndropped events: 0\n',
  [`${OWN}/per_cpu/cpu1/stats`]: 'entries: 0\noverrun: 0\n',
  ...Object.fromEntries(
    EVENTS.map((event) => [
      `${TRACEFS}/events/${event}/format`,
      fileOf(FOLDER, `events/${event}/format`),
    ]),
  ),
}

/** A machine whose tracefs has the recorded pages; `did` is what was done to it. */
function machine(
  changes: Changes & {
    refuse?: (path: string, text: string) => string | null
    mountable?: boolean
  } = {},
): Machine & { did: string[] } {
  const { refuse = () => null, ...others } = changes
  const host = hostWith({
    ...others,
    files: { ...files, ...changes.files },
    links: { '/proc/self': '77' },
  })
  const did: string[] = []
  const done = (what: string, path: string, text = '') => {
    const failed = refuse(path, text)
    did.push(
      `${what} ${path.replace(`${TRACEFS}/`, '')}${text && ` ${text}`}${failed === null ? '' : `: ${failed}`}`,
    )
    return failed
  }
  const traceFiles: TraceFiles = {
    makeFolder: (path) => done('mkdir', path),
    removeFolder: (path) => done('rmdir', path),
    write: (path, text) => done('write', path, text),
    openPages: (path) => {
      const cpu = /cpu(\d)/.exec(path)![1]
      const pages = [readFileSync(join(root, FOLDER, `resets.cpu${cpu}.bin`))]
      return {
        read: (into) => {
          const page = pages.shift()
          page?.copy(into)
          return page?.length ?? 0
        },
        close: () => did.push(`close cpu${cpu}`),
      }
    },
  }
  const mountTracefs = () => {
    did.push('mount')
    const close = () => did.push('unmount')
    return changes.mountable === true ? { folder: TRACEFS, close } : { failed: 'errno 1' }
  }
  return { host, files: traceFiles, arch: 'x64', mountTracefs, did }
}

/** Pointers of x86_64: eight octets from 0xffff80.. on, at multiples of four. */
function addressesIn(pages: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at + 8 <= pages.length; at += 4) {
    if (pages.readUInt16LE(at + 6) === 0xffff && pages.readUInt8(at + 5) >= 0x80) {
      found.push(pages.subarray(at, at + 8))
    }
  }
  return found.filter((octets) => octets.subarray(0, 4).some((octet) => octet !== 0))
}

describe('a watch', () => {
  test('makes an instance, enables what the kernel has, reads, and removes it', () => {
    const on = machine()
    const facts = watchKernelEvents({}, on).stop()
    expect(on.did[0]).toBe('mkdir instances/tcpwhy-77-900')
    expect(on.did).toContain('write instances/tcpwhy-77-900/trace_clock mono')
    expect(on.did).toContain('write instances/tcpwhy-77-900/events/tcp/tcp_send_reset/enable 1')
    expect(on.did.slice(-3)).toEqual(['close cpu0', 'close cpu1', 'rmdir instances/tcpwhy-77-900'])
    expect(
      on.did.filter((what) => !what.includes('tcpwhy-77-900') && !what.startsWith('close')),
    ).toEqual([])
    expect(facts.counts.get('reset-sent TCP_ABORT_ON_CLOSE')).toBe(1)
    expect(facts.lost).toBe(4)
    expect(facts.missing.map(({ what }) => what)).toContain('skb/kfree_skb')
  })

  test('its recording gives the same facts', () => {
    const watch = watchKernelEvents({ recordOctets: 1 << 20 }, machine())
    const facts = watch.stop()
    expect(eventsOf(watch.recording())).toEqual(facts)
    expect(watch.stop()).toBe(facts)
  })

  test('its recording has no addresses of the kernel, and joins as before', () => {
    const watch = watchKernelEvents({ recordOctets: 1 << 20 }, machine())
    const pages = Buffer.concat(watch.recording().pages.map(({ octets }) => octets))
    const addresses = ['cpu0', 'cpu1'].flatMap((cpu) =>
      addressesIn(readFileSync(join(root, FOLDER, `resets.${cpu}.bin`))),
    )
    expect(addresses.length).toBeGreaterThan(5)
    expect(addresses.filter((address) => pages.includes(address))).toEqual([])
    const { events } = watch.stop()
    const reset = events.find(({ reason }) => reason === 'TCP_ABORT_ON_CLOSE')!
    expect(events.filter(({ socket }) => socket === reset.socket).length).toBeGreaterThan(1)
  })

  test('a recording is bounded, and says what it left out', () => {
    const watch = watchKernelEvents({ recordOctets: 2_000 }, machine())
    watch.stop()
    expect(watch.recording()).toMatchObject({ pagesLeftOut: 1 })
  })

  test('reads the processors that are on, at the end also those that came on meanwhile', () => {
    const on = machine({ files: { '/sys/devices/system/cpu/online': '0\n' } })
    const watch = watchKernelEvents({}, on)
    const { text } = on.host
    on.host.text = (path) =>
      path.endsWith('/cpu/online') ? { is: 'read', value: '0-1\n' } : text(path)
    const first = [...watch.counts().values()].reduce((sum, count) => sum + count, 0)
    const all = watchKernelEvents({}, machine()).stop()
    expect(first).toBeLessThan([...all.counts.values()].reduce((sum, count) => sum + count, 0))
    expect(watch.stop().counts).toEqual(all.counts)
    expect(on.did.filter((what) => what.startsWith('close'))).toEqual(['close cpu0', 'close cpu1'])
  })

  test('filters come before events are on; an event whose filter is refused stays off', () => {
    const refuse = (path: string) => (path.endsWith('set_state/filter') ? 'EINVAL' : null)
    const on = machine({ refuse })
    const facts = watchKernelEvents({}, on).stop()
    expect(facts.missing).toContainEqual({
      what: 'sock/inet_sock_set_state',
      why: 'no-filter',
      adds: 'states',
      detail: `${OWN}/events/sock/inet_sock_set_state: EINVAL`,
    })
    expect(on.did.filter((what) => what.includes('set_state/enable'))).toEqual([])
  })

  test('without CLOCK_MONOTONIC times join to nothing, which is said', () => {
    const facts = watchKernelEvents(
      {},
      machine({ refuse: (_, text) => (text === 'mono' ? 'EINVAL' : null) }),
    ).stop()
    expect(facts.realtimeOffsetNs).toBeNull()
    expect(facts.missing).toContainEqual(expect.objectContaining({ why: 'no-clock' }))
  })
})

describe('where tracefs is not mounted', () => {
  const mountinfo = (text: string) => ({ files: { '/proc/self/mountinfo': text } })

  test('it is mounted for this process alone, and that is undone', () => {
    const on = machine({ ...mountinfo(''), mountable: true })
    expect(watchKernelEvents({}, on).stop().fromNs).not.toBeNull()
    expect([on.did[0], on.did.at(-1)]).toEqual(['mount', 'unmount'])
  })

  test('also when nothing can be watched then', () => {
    const on = machine({ ...mountinfo(''), mountable: true, refuse: () => 'EACCES' })
    watchKernelEvents({}, on).stop()
    expect(on.did.at(-1)).toBe('unmount')
  })

  test('where it is mounted, nothing is', () => {
    const on = machine({ mountable: true })
    watchKernelEvents({}, on).stop()
    expect(on.did).not.toContain('mount')
  })

  test('debugfs has it too', () => {
    const on = machine(mountinfo('30 19 0:7 / /sys/kernel/debug\\040fs rw - debugfs debugfs rw\n'))
    expect(watchKernelEvents({}, on).stop().missing[0]?.detail).toBe(
      '/sys/kernel/debug fs/tracing/events/header_page',
    )
  })
})

describe('what cannot be watched is said', () => {
  test.each<[string, string, Changes & { refuse?: (path: string) => string | null }]>([
    ['not-mounted', 'errno 1', { files: { '/proc/self/mountinfo': '' } }],
    ['denied', `${TRACEFS}/events/header_page`, { denied: [`${TRACEFS}/events/header_page`] }],
    ['denied', `${OWN}: EACCES`, { refuse: () => 'EACCES' }],
    ['no-instance', `${OWN}: ENOENT`, { refuse: () => 'ENOENT' }],
    [
      'lockdown',
      `${OWN}: EPERM`,
      {
        files: { '/sys/kernel/security/lockdown': 'none integrity [confidentiality]\n' },
        refuse: () => 'EPERM',
      },
    ],
  ])('%s: %s', (why, detail, changes) => {
    const facts = watchKernelEvents({}, machine(changes)).stop()
    expect(facts.missing).toEqual([{ what: 'tracefs', why, adds: 'everything', detail }])
    expect(facts).toMatchObject({ events: [], fromNs: null, lost: 0 })
  })

  test('in a recording too', () => {
    const watch = watchKernelEvents({}, machine({ refuse: () => 'EACCES' }))
    expect(eventsOf(watch.recording())).toEqual(watch.stop())
  })

  test('another system', () => {
    const on = machine()
    const host = { ...on.host, platform: () => 'darwin' }
    expect(watchKernelEvents({}, { ...on, host }).stop().missing[0]?.why).toBe('not-linux')
  })
})

describe('what killed ones left', () => {
  const at = (name: string) => ({ [`${TRACEFS}/instances/${name}/tracing_on`]: '1' })
  const left = {
    ...at('tcpwhy-50-100'), // no such process
    ...at('tcpwhy-77-100-2'), // the number was given to another one
    ...at('tcpwhy-77-900'), // lives
    ...at('tcpwhy-record-5'),
    ...at('somebody'),
  }

  test('is removed, and nothing else', () => {
    const on = machine({ files: left })
    expect(cleanUpLeftovers(on)).toEqual(['tcpwhy-50-100', 'tcpwhy-77-100-2'])
    expect(on.did).toEqual(['rmdir instances/tcpwhy-50-100', 'rmdir instances/tcpwhy-77-100-2'])
  })

  test('unless the kernel says that it is used: its process is in another namespace', () => {
    const on = machine({ files: left, refuse: () => 'EBUSY' })
    expect(cleanUpLeftovers(on)).toEqual([])
  })

  test('by the next watch too', () => {
    const on = machine({ files: left })
    watchKernelEvents({}, on).stop()
    expect(on.did[0]).toBe('rmdir instances/tcpwhy-50-100')
  })
})
