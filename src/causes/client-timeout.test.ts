import { describe, expect, test } from 'vitest'
import { causeTable } from '../../test/helpers/cause-table.ts'
import {
  connection,
  evidence,
  requestOnly,
  reset,
  segment,
  unanswered,
} from '../../test/helpers/facts.ts'
import { clientTimeout } from './client-timeout.ts'

/** Request at 2 ms + shift, FIN of the client `waited` later. */
const left = (
  id: number,
  waited: number,
  shift = 0,
  over: Parameters<typeof connection>[0] = {},
) => {
  const at = 2 + shift
  return requestOnly(true, {
    id,
    ending: 'half-closed',
    endedBy: 'client',
    lastMs: at + waited,
    request: { startFrame: 4, startMs: at, lastFrame: 4, lastMs: at, octets: 100, seq: 1 },
    sides: {
      client: {
        lastDataMs: at,
        fin: {
          frame: 30 + id,
          tMs: at + waited,
          seq: 101,
          ackedMs: null,
          ackedFrame: null,
          times: 1,
        },
      },
    },
    ...over,
  })
}

/** Request at 2 ms + shift, an answer under way from then on, FIN of the client 2 s later. */
const leftInAnswer = (id: number, shift: number) =>
  left(id, 2000 + id, shift, {
    ending: 'reset-after-fin',
    requestPending: false,
    response: {
      startFrame: 6,
      startMs: 10 + shift,
      lastFrame: 29,
      lastMs: 2000 + shift,
      octets: 90_000,
      seq: 1,
    },
    resets: [reset({ from: 'client', frame: 40, tMs: 2010 + shift })],
    tail: [
      segment({ frame: 29, tMs: 2000 + shift, from: 'server', len: 1448 }),
      segment({ frame: 39, tMs: 2009 + shift, from: 'server', len: 1448 }),
    ],
    sides: {
      server: { payloadOctets: 90_000, lastDataMs: 2009 + shift },
      client: {
        lastDataMs: 2 + shift,
        fin: {
          frame: 30 + id,
          tMs: 2002 + id + shift,
          seq: 101,
          ackedMs: null,
          ackedFrame: null,
          times: 1,
        },
      },
    },
  })

causeTable(clientTimeout, [
  {
    name: 'near miss: one direction only: the answers may have come',
    connections: [0, 1, 2].map((id) => left(id, 1000, 300 * id, { seen: 'client-only' })),
    is: 'nothing',
  },
  {
    name: 'always 2 s after the request, the answer still coming: a limit on the whole exchange',
    connections: [leftInAnswer(0, 0), leftInAnswer(1, 700), leftInAnswer(2, 1500)],
    is: 'likely',
    variant: 'response-too-slow',
    because: ['left-in-answer', 'constant', 'round'],
    explains: 3,
  },
  {
    name: 'no long segment of this server ever arrived: its answers may be lost on the way',
    connections: [left(0, 1001), left(1, 1003, 400), left(2, 1002, 900)],
    paths: [{ largestDelivered: { client: 300, server: 120 } }],
    is: 'possible',
    against: ['long-unseen'],
  },
  {
    name: 'the server had sent what never came: its last ACK is that much further on',
    connections: [0, 1, 2].map((id) =>
      left(id, 1001 + id, id * 400, {
        tail: [segment({ frame: 60, tMs: 3000, from: 'server', seq: 15_929, ack: 102 })],
      }),
    ),
    paths: [{ largestDelivered: { client: 300, server: 1201 } }],
    is: 'possible',
    culprit: 'network',
    against: ['answer-unseen'],
  },
  {
    name: 'long answers of this server do arrive',
    connections: [left(0, 1001), left(1, 1003, 400), left(2, 1002, 900)],
    paths: [{ largestDelivered: { client: 300, server: 1448 } }],
    is: 'likely',
  },
  {
    name: 'while SYNs were dropped by a full accept queue: they waited in it',
    connections: [
      left(0, 1001),
      left(1, 1003, 400),
      left(2, 1002, 900),
      unanswered({ id: 3, startMs: 300, lastMs: 1400, handshake: { synTimesMs: [300, 1300] } }),
      unanswered({ id: 4, startMs: 300, lastMs: 1400, handshake: { synTimesMs: [300, 1300] } }),
    ],
    sources: [{ at: 'server' }],
    endpoints: [{ firstAnswerMs: 0, lastAnswerMs: 5000 }],
    is: 'likely',
    consequenceOf: 'accept-queue-overflow',
  },
  {
    name: 'three SYNs dropped at the same time, by a full queue as far as text without TTLs shows',
    connections: [
      left(0, 1001),
      left(1, 1003, 400),
      left(2, 1002, 900),
      ...[3, 4, 5].map((id) => unanswered({ id, startMs: 300, lastMs: 1400 })),
    ],
    endpoints: [{ firstAnswerMs: 0, lastAnswerMs: 5000 }],
    is: 'likely',
    consequenceOf: 'accept-queue-overflow',
  },
  {
    name: 'three clients gave up after 1 s',
    connections: [left(0, 1001), left(1, 1003, 400), left(2, 1002, 900)],
    is: 'likely',
    culprit: 'server',
    explains: 3,
    because: ['request', 'gave-up', 'constant', 'round'],
  },
  {
    name: 'an odd constant, at different times',
    connections: [left(0, 1710), left(1, 1715, 700), left(2, 1705, 1900)],
    is: 'likely',
  },
  {
    name: 'an odd constant in one instant: only the requests came together',
    connections: [left(0, 1710), left(1, 1711), left(2, 1712)],
    is: 'possible',
  },
  {
    name: 'by RST, the late answer refused',
    connections: [
      left(0, 30_002),
      connection({
        id: 1,
        ending: 'reset',
        resets: [reset({ from: 'client', shape: 'active', tMs: 30_005 })],
        sides: { server: { lastDataMs: 31_000 } },
        response: {
          startFrame: 60,
          startMs: 31_000,
          lastFrame: 60,
          lastMs: 31_000,
          octets: 9,
          seq: 1,
        },
      }),
    ],
    is: 'likely',
    explains: 2,
  },
  {
    name: 'a single one, at a round time',
    connections: [left(0, 5004)],
    is: 'possible',
    against: ['single'],
  },
  { name: 'near miss: a single one at no round time', connections: [left(0, 1710)], is: 'nothing' },
  {
    name: 'near miss: the waits differ',
    connections: [left(0, 1300), left(1, 3710), left(2, 7700)],
    is: 'nothing',
  },
  {
    name: 'near miss: the request never arrived',
    connections: [
      left(0, 5000, 0, {
        sides: {
          client: {
            inFlightOctets: 100,
            fin: { frame: 9, tMs: 5002, seq: 101, ackedMs: null, ackedFrame: null, times: 1 },
          },
        },
      }),
    ],
    is: 'nothing',
  },
  {
    name: 'near miss: the answer had come',
    connections: [
      connection({
        ending: 'clean',
        sides: {
          client: {
            fin: { frame: 9, tMs: 5002, seq: 101, ackedMs: 5003, ackedFrame: 10, times: 1 },
          },
        },
      }),
    ],
    is: 'nothing',
  },
])

describe('of many requests, how many were answered in time', () => {
  const many = Array.from({ length: 25 }, (_, id) => left(id, 1000 + (id % 3), 150 * id))
  const follows = (served: number) =>
    clientTimeout
      .judge(evidence({ connections: many, endpoints: [{ served }] }))
      .verdicts.map((v) => v.consequenceOf)

  test('nearly none: the server stands still, and its clients leaving follows from that', () => {
    expect(new Set(follows(6))).toEqual(new Set(['server-stalled']))
  })

  test('near miss: some of them, so it is slow for some', () => {
    expect(new Set(follows(7))).toEqual(new Set([undefined]))
  })

  test('near miss: no answer was ever seen of whatever it speaks: perhaps none is due', () => {
    expect(new Set(follows(0))).toEqual(new Set([undefined]))
  })

  test('near miss: few requests at all', () => {
    const few = many.slice(0, 19)
    const { verdicts } = clientTimeout.judge(
      evidence({ connections: few, endpoints: [{ served: 1 }] }),
    )
    expect(verdicts.map((v) => v.consequenceOf)).toEqual(few.map(() => undefined))
  })
})
