import type { Ladder, LadderRow, Remark } from '../../src/diagnose/ladder.ts'
import { ordinal } from '../../src/report/ladder.ts'
import { connection } from './fixtures.ts'

const FIN = 1
const SYN = 2
const RST = 4
const PSH = 8
const ACK = 16

function row(
  frame: number,
  tMs: number,
  from: 'client' | 'server',
  flags: number,
  numbers: { seq: number; ack?: number; len?: number; wnd: number },
  ...remarks: Remark[]
): LadderRow {
  const { seq, ack = 0, len = 0, wnd } = numbers
  return { frame, source: 'capture-1', tMs, from, flags, seq, ack, len, wnd, remarks }
}

function again(id: 'retransmission-rto' | 'retransmission-syn', n: number): Remark {
  return { id, values: { nth: ordinal(n) } }
}

/** An idle connection whose next request is answered by a reset from a box in between. */
const idle: Ladder = {
  schema: 'tcpwhy.ladder/1',
  connection: connection({
    id: '44',
    client: '10.0.0.5:50222',
    server: '10.9.0.2:443',
    ending: 'reset',
    endedBy: 'server',
    durationMs: 30_431.2,
    silenceBeforeEndMs: 30_010,
    frames: { source: 'capture-1', first: 12, last: 977, reset: 977 },
    retransmissions: { ...connection().retransmissions, syn: { client: 1, server: 0 } },
  }),
  rows: [
    row(12, 0, 'client', SYN, { seq: 0, wnd: 64240 }),
    row(31, 1024.1, 'client', SYN, { seq: 0, wnd: 64240 }, again('retransmission-syn', 1)),
    row(32, 1024.31, 'server', SYN | ACK, { seq: 0, ack: 1, wnd: 65160 }),
    row(33, 1024.34, 'client', ACK, { seq: 1, ack: 1, wnd: 64256 }),
    row(34, 1024.9, 'client', PSH | ACK, { seq: 1, ack: 1, len: 517, wnd: 64256 }),
    row(
      35,
      1230.2,
      'client',
      PSH | ACK,
      { seq: 1, ack: 1, len: 517, wnd: 64256 },
      again('retransmission-rto', 1),
    ),
    row(
      36,
      1230.9,
      'server',
      ACK,
      { seq: 1, ack: 518, wnd: 0 },
      {
        id: 'zero-window',
        values: {},
      },
    ),
    row(
      37,
      1400.2,
      'server',
      ACK,
      { seq: 1, ack: 518, wnd: 4096 },
      { id: 'window-update', values: { wnd: 4096 } },
    ),
    row(38, 1401, 'server', PSH | ACK, { seq: 1, ack: 518, len: 4294, wnd: 64000 }),
    row(39, 1401.1, 'client', ACK, { seq: 518, ack: 4295, wnd: 63000 }),
    row(976, 31_411.1, 'client', PSH | ACK, { seq: 518, ack: 4295, len: 80, wnd: 64128 }),
    row(
      977,
      31_411.6,
      'server',
      RST,
      { seq: 4295, wnd: 0 },
      { id: 'reset-answers', values: { trigger: '976', after: 0.5 } },
      { id: 'seq-exact', values: {} },
      { id: 'ttl-unusual', values: { ttl: 61, usual: 52 } },
    ),
  ],
  omitted: null,
}

/** 400 rows, the largest relative numbers there are, segments that are not kept. */
const long: Ladder = {
  schema: 'tcpwhy.ladder/1',
  connection: connection({ id: '7', clientGuessed: true, sawStart: false }),
  rows: Array.from({ length: 400 }, (_, i) =>
    row(1_000_000 + i, i * 100, i % 2 === 0 ? 'client' : 'server', FIN | PSH | ACK, {
      seq: 4_294_967_000 + (i % 200),
      ack: 4_294_967_000 + (i % 200),
      len: 65_160,
      wnd: 1_073_725_440,
    }),
  ),
  omitted: { before: 6, segments: 12_345 },
}

export const ladders = { idle, long } as const
