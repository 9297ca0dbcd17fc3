import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nodeHost } from '../../src/app/node-host.ts'
import type { SocketFact } from '../../src/host/facts.ts'
import type { HostFiles } from '../../src/host/host-files.ts'
import { dumpSockets } from '../../src/host/netlink/dump.ts'
import { sockets } from '../../src/host/readers/sockets.ts'
import { root } from '../helpers/built.ts'
import { hostWith } from '../helpers/recorded-host.ts'

const whole = new Uint8Array(readFileSync(join(root, 'test/hosts/6.18/sock-diag-inet.bin')))
const NLM_F_DUMP_INTR = 0x10
const interrupted = whole.slice()
interrupted[6]! |= NLM_F_DUMP_INTR

/** What the kernel gives to one request after the other. */
function answering(answers: readonly (readonly Uint8Array[])[]): {
  host: HostFiles
  asked: () => number
} {
  let count = 0
  const host: HostFiles = {
    ...hostWith({}),
    sockDiag(_, take) {
      for (const part of answers[Math.min(count, answers.length - 1)]!) if (take(part)) break
      count++
      return { is: 'read', value: null }
    },
  }
  return { host, asked: () => count }
}

const faultsOf = (host: HostFiles) => {
  const dumped = dumpSockets(host, {})
  return dumped.is === 'read' ? dumped.value.faults.map(({ what }) => what) : dumped
}

describe('a table that changes while it is read', () => {
  test('is read again, and nobody needs to know', () => {
    const { host, asked } = answering([[interrupted], [interrupted], [whole]])
    expect(faultsOf(host)).toEqual([])
    expect(asked()).toBe(3 + 1) // IPv4 three times, IPv6 once
  })

  test('three times: said so, and what was seen is kept', () => {
    const { host, asked } = answering([[interrupted]])
    expect(faultsOf(host)).toEqual(
      [4, 6].map(
        (family) =>
          `sock_diag: IPv${family}: the table changed while it was read: sockets may be missing or twice`,
      ),
    )
    expect(asked()).toBe(6)
    const dumped = dumpSockets(host, {})
    expect(dumped.is === 'read' && dumped.value.sockets.length).toBeGreaterThan(10)
  })
})

test('an answer in several parts is one table', () => {
  const view = new DataView(whole.buffer)
  const first = (view.getUint32(0, true) + 3) & ~3
  const parts = [whole.slice(0, first), whole.slice(first)]
  const dumped = dumpSockets(answering([parts]).host, {})
  const once = dumpSockets(answering([[whole]]).host, {})
  expect(dumped.is === 'read' && dumped.value.sockets.length).toBe(
    once.is === 'read' && once.value.sockets.length,
  )
})

test.each([
  [2, 'missing', 'the kernel module tcp_diag is not there'],
  [1, 'denied', undefined],
  [22, 'failed', 'the kernel answered with errno 22'],
])('errno %i of the kernel: %s', (errno, why, detail) => {
  const error = new Uint8Array(36)
  const view = new DataView(error.buffer)
  view.setUint32(0, 36, true)
  view.setUint16(4, 2, true)
  view.setInt32(16, -errno, true)
  const { host } = answering([[error]])
  expect(dumpSockets(host, {})).toMatchObject({ is: 'unreadable', why, ...(detail && { detail }) })
  expect(sockets.read(host, {}).source).toBe('proc')
})

describe.runIf(process.platform === 'linux')('on this machine, as whoever runs this', () => {
  const host = nodeHost()
  const gone = { is: 'unreadable', why: 'missing', path: '' } as const
  const ways: Record<string, HostFiles> = {
    netlink: host,
    ss: { ...host, sockDiag: () => gone },
    proc: { ...host, sockDiag: () => gone, ss: () => gone },
  }
  const server = createServer()
  let port = 0
  beforeAll(async () => {
    await new Promise<void>((done) =>
      server.listen({ host: '127.0.0.1', port: 0, backlog: 7 }, done),
    )
    port = (server.address() as { port: number }).port
  })
  afterAll(() => void server.close())

  const seen = (from: HostFiles) => {
    const { source, sockets: found } = sockets.read(from, { ports: [port], states: ['LISTEN'] })
    const plain = ({ family, state, local, idiag_rqueue, inode, uid }: SocketFact) => ({
      family,
      state,
      local,
      idiag_rqueue,
      inode,
      uid,
    })
    return { source, sockets: found.map(plain), limit: found[0]?.idiag_wqueue }
  }

  // .ci/live.sh compares thousands of sockets in all states (test/live/host.ts).
  test('/proc tells the listener that was made', () => {
    expect(seen(ways['proc']!)).toMatchObject({
      source: 'proc',
      sockets: [{ state: 'LISTEN', local: { address: '127.0.0.1', port } }],
      limit: null,
    })
  })

  test.runIf(hasKoffi())('netlink tells the same, and its limit', () => {
    const told = seen(host)
    expect(told).toEqual({ ...seen(ways['proc']!), source: 'netlink', limit: 7 })
  })

  test.runIf(host.ss(['-V']).is === 'read')('ss tells the same, and its limit', () => {
    expect(seen(ways['ss']!)).toEqual({ ...seen(ways['proc']!), source: 'ss', limit: 7 })
  })
})

function hasKoffi(): boolean {
  return dumpSockets(nodeHost(), { states: ['LISTEN'] }).is === 'read'
}
