import { causeTable } from '../../test/helpers/cause-table.ts'
import { application, connection, requestOnly } from '../../test/helpers/facts.ts'
import { closeWaitLeak } from './close-wait-leak.ts'

const fin = (tMs: number, ackedMs: number | null, frame = 20) => ({
  frame,
  tMs,
  seq: 501,
  ackedMs,
  ackedFrame: ackedMs === null ? null : frame + 1,
  times: 1,
})

const held = (over: Parameters<typeof connection>[0] = {}) =>
  connection({
    ending: 'half-closed',
    endedBy: 'server',
    lastMs: 3006,
    captureEndMs: 20_000,
    sides: { server: { fins: 1, fin: fin(3005, 3006) } },
    ...over,
  })

const database = {
  inTransaction: true,
  openedBy: { text: 'BEGIN', frame: 4 },
  lastStatement: { text: 'BEGIN', frame: 4 },
  error: null,
  quit: false,
} as const

causeTable(closeWaitLeak, [
  {
    name: "the holder's last octets were never acknowledged nor sent again: a filter on payload, the FIN may be missing too",
    connections: [
      held({
        sides: {
          server: { fins: 1, fin: fin(3005, 3006) },
          client: { inFlightOctets: 4, lastDataMs: 3006 },
        },
      }),
    ],
    is: 'possible',
    against: ['packets-missing'],
  },
  {
    name: 'near miss: data of the holder is still being repeated, its FIN would wait behind it',
    connections: [
      held({
        sides: {
          server: { fins: 1, fin: fin(3005, 3006) },
          client: {
            retransmissions: { rto: 4 },
            unanswered: {
              what: 'data',
              seq: 1,
              len: 1448,
              firstFrame: 8,
              lastFrame: 14,
              firstMs: 100,
              lastMs: 6500,
              times: 5,
            },
          },
        },
      }),
    ],
    is: 'nothing',
  },
  {
    name: 'the server closed an idle connection, the client never did',
    connections: [held()],
    is: 'likely',
    culprit: 'client',
    because: ['closed-after', 'acknowledged', 'never-closed', 'was-idle'],
  },
  {
    name: 'the capture begins with the FIN: the other side may have closed before',
    connections: [held({ sawStart: false, firstFrame: 20 })],
    is: 'possible',
    against: ['late-capture'],
  },
  {
    name: 'five printed lines: excerpt, delayed ACK, end of the lines',
    connections: [
      held({
        captureEndMs: 30_061,
        lastMs: 30_061,
        headerFieldsKnown: false,
        handshake: { ackMs: 0.073 },
        request: null,
        response: null,
        sides: {
          client: { payloadOctets: 0, missingOctets: 143, lastDataMs: null },
          server: {
            payloadOctets: 0,
            missingOctets: 122,
            lastDataMs: null,
            fins: 1,
            fin: fin(30_013.5, 30_061),
          },
        },
      }),
    ],
    is: 'likely',
    culprit: 'client',
    because: ['closed-after', 'delayed-ack'],
    against: ['excerpt', 'short-watch'],
  },
  {
    name: 'three of them, acknowledged by the delayed-ACK timer only; the capture ends soon: cannot tell',
    connections: [0, 1, 2].map((id) =>
      held({ id, captureEndMs: 3100, sides: { server: { fins: 1, fin: fin(3005, 3047) } } }),
    ),
    is: 'unknown',
  },
  {
    name: 'three of them, idle before the FIN and forgotten two seconds after it',
    connections: [0, 1, 2].map((id) => held({ id, captureEndMs: 5100 })),
    is: 'likely',
    explains: 3,
    because: ['several', 'was-idle'],
  },
  {
    name: 'three of them, acknowledged by the delayed-ACK timer only and watched for half a second',
    connections: [0, 1, 2].map((id) =>
      held({ id, captureEndMs: 3600, sides: { server: { fins: 1, fin: fin(3005, 3047) } } }),
    ),
    is: 'possible',
    explains: 3,
    because: ['several', 'delayed-ack'],
    against: ['short-watch'],
  },
  {
    name: 'three of them, watched for a second: as many do not make it longer',
    connections: [0, 1, 2].map((id) => held({ id, captureEndMs: 4306 })),
    is: 'possible',
    explains: 3,
    because: ['several'],
    against: ['short-watch'],
  },
  {
    name: 'cannot tell: the same application closed another connection later than this one is watched',
    connections: [
      held({ captureEndMs: 9000 }),
      connection({
        id: 1,
        ending: 'clean',
        sides: { server: { fin: fin(3005, 3006) }, client: { fin: fin(10_005, 10_006) } },
      }),
    ],
    is: 'unknown',
  },
  {
    name: 'the same application closed another connection late: it may close this one later still',
    connections: [
      held(),
      connection({
        id: 1,
        ending: 'clean',
        sides: { server: { fin: fin(3005, 3006) }, client: { fin: fin(10_005, 10_006) } },
      }),
    ],
    is: 'possible',
    against: ['others-closed-late'],
  },
  {
    name: 'the client asked and closed its direction at once: it still waits for the answer',
    connections: [
      requestOnly(true, {
        ending: 'half-closed',
        endedBy: 'client',
        captureEndMs: 30_000,
        sides: { client: { fin: fin(2.1, 42) } },
      }),
    ],
    is: 'possible',
    against: ['still-asking', 'answer-due'],
  },
  {
    name: 'near miss: a whole capture that ends right after the FIN',
    connections: [held({ captureEndMs: 3040, sides: { server: { fin: fin(3000, 3020) } } })],
    is: 'nothing',
  },
  {
    name: 'watched for two seconds only',
    connections: [held({ captureEndMs: 5006 })],
    is: 'possible',
    against: ['short-watch'],
  },
  {
    name: 'near miss: the holder still sends (a legitimate half-close)',
    connections: [
      held({
        sides: { client: { lastDataMs: 5000 }, server: { fins: 1, fin: fin(3005, 3006) } },
      }),
    ],
    is: 'nothing',
  },
  {
    name: 'near miss: the FIN was never acknowledged',
    connections: [held({ sides: { server: { fin: fin(3005, null) } } })],
    is: 'nothing',
  },
  {
    name: 'the client gave up on a request: the stalled server is the cause',
    connections: [
      requestOnly(true, {
        ending: 'half-closed',
        endedBy: 'client',
        captureEndMs: 30_000,
        sides: { client: { fin: fin(3005, 3006) } },
      }),
    ],
    is: 'likely',
    culprit: 'server',
    consequenceOf: 'server-stalled',
    against: ['answer-due'],
  },
  {
    name: 'a transaction was left open: the leak follows from it',
    connections: [held()],
    application: [[0, application({ protocol: 'mysql', database })]],
    is: 'likely',
    consequenceOf: 'open-transaction',
  },
  {
    name: 'near miss: closed by both',
    connections: [connection({ ending: 'clean' })],
    is: 'nothing',
  },
])
