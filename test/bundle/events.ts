import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EventsRecording } from '../../src/host/events.ts'
import { root } from '../helpers/built.ts'
import { fileOf } from '../helpers/recorded-host.ts'

const FOLDER = 'test/hosts/6.18/tracefs'
const EVENTS = [
  'tcp/tcp_send_reset',
  'tcp/tcp_receive_reset',
  'sock/inet_sock_set_state',
  'tcp/tcp_retransmit_skb',
  'skb/kfree_skb',
  'syscalls/sys_exit_accept4',
]

/** What the kernel of the recorded host told. */
export function recordedEvents(): EventsRecording {
  return {
    littleEndian: true,
    arch: 'x64',
    headerPage: fileOf(FOLDER, 'events/header_page'),
    formats: Object.fromEntries(
      EVENTS.map((event) => [event, fileOf(FOLDER, `events/${event}/format`)]),
    ),
    pages: [0, 1].map((cpu) => ({
      cpu,
      octets: new Uint8Array(readFileSync(join(root, FOLDER, `resets.cpu${cpu}.bin`))),
    })),
    pagesLeftOut: 0,
    tasks: { 7: { pid: 7, command: 'server' } },
    overrun: 0,
    fromNs: 1n,
    toNs: 99_000_000_000_000n,
    realtimeOffsetNs: 5n,
    establishedUntilNs: 99_000_000_000_000n,
    missing: [{ what: 'skb/kfree_skb', why: 'no-reasons', adds: 'drops', detail: '6.18.0' }],
  }
}
