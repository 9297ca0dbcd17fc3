import { causeTable } from '../../test/helpers/cause-table.ts'
import { application, connection, icmp, requestOnly, reset, tls } from '../../test/helpers/facts.ts'
import { pathLost } from './path-lost.ts'

const lost = (over: Parameters<typeof connection>[0] = {}, unanswered = {}) =>
  connection({
    ending: 'timed-out',
    sides: {
      client: {
        unanswered: {
          what: 'data',
          seq: 101,
          len: 80,
          firstFrame: 8,
          lastFrame: 14,
          firstMs: 100,
          lastMs: 6500,
          times: 6,
          ...unanswered,
        },
      },
    },
    ...over,
  })

const ownReset = (tMs: number) => reset({ from: 'client', shape: 'active', trigger: null, tMs })

causeTable(pathLost, [
  {
    name: 'only the last FIN is unanswered, the server had closed before: nothing was lost',
    connections: [
      connection({
        ending: 'timed-out',
        sides: {
          client: {
            unanswered: {
              what: 'fin',
              seq: 101,
              len: 0,
              firstFrame: 8,
              lastFrame: 14,
              firstMs: 100,
              lastMs: 6500,
              times: 6,
            },
          },
          server: { fin: { frame: 7, tMs: 90, seq: 1, ackedMs: 95, ackedFrame: 8, times: 1 } },
        },
      }),
    ],
    is: 'likely',
    severity: 'notice',
    against: ['already-over'],
  },
  {
    name: 'both had closed, and what is unanswered is the alert that ends a TLS session: nothing was lost',
    connections: [
      lost({
        sides: {
          client: { ...lost().sides.client, inFlightOctets: 31 },
          server: { fin: { frame: 7, tMs: 90, seq: 1, ackedMs: 95, ackedFrame: 8, times: 1 } },
        },
      }),
    ],
    application: [[0, application({ protocol: 'tls', tls: tls({ client: 'alert' }) })]],
    is: 'likely',
    severity: 'notice',
    against: ['already-over'],
  },
  {
    name: 'the server had closed, and what is unanswered is data',
    connections: [
      lost({
        sides: {
          client: { ...lost().sides.client, inFlightOctets: 80 },
          server: { fin: { frame: 7, tMs: 90, seq: 1, ackedMs: 95, ackedFrame: 8, times: 1 } },
        },
      }),
    ],
    is: 'likely',
    severity: 'problem',
  },
  {
    name: 'the client ended it by RST when it gave up',
    connections: [lost({ ending: 'reset', resets: [ownReset(8000)] })],
    is: 'likely',
    because: ['data-again'],
  },
  {
    name: 'near miss: by RST in the midst of it, for another reason',
    connections: [lost({ ending: 'reset', resets: [ownReset(3000)] })],
    is: 'nothing',
  },
  {
    name: 'near miss: the server reset it',
    connections: [lost({ ending: 'reset', resets: [reset({ tMs: 8000 })] })],
    is: 'nothing',
  },
  {
    name: 'the same data six times, nothing back',
    connections: [lost()],
    is: 'likely',
    culprit: 'network',
    because: ['data-again', 'no-reset'],
  },
  {
    name: 'two connections at about the same time, and ICMP',
    connections: [lost({ id: 0 }), lost({ id: 1, icmp: [icmp()] })],
    is: 'likely',
    because: ['together'],
    explains: 2,
  },
  {
    name: 'a FIN that nobody answers',
    connections: [lost({}, { what: 'fin' })],
    is: 'likely',
    because: ['fin-again'],
  },
  {
    name: 'the server answered others meanwhile',
    connections: [lost()],
    endpoints: [{ lastAnswerMs: 30_000 }],
    is: 'possible',
    against: ['others-answered'],
  },
  {
    name: 'after a silence: a device may have forgotten it',
    connections: [lost({}, { firstMs: 9000, lastMs: 20_000 })],
    is: 'possible',
    against: ['after-silence'],
  },
  {
    name: 'near miss: long segments only (black hole)',
    connections: [
      connection({
        ending: 'timed-out',
        sides: {
          client: {
            largestAckedSegment: 100,
            smallestLostSegment: 1448,
            unanswered: {
              what: 'data',
              seq: 101,
              len: 1448,
              firstFrame: 8,
              lastFrame: 14,
              firstMs: 100,
              lastMs: 6500,
              times: 6,
            },
          },
        },
      }),
    ],
    endpoints: [{ lastAnswerMs: 9000 }],
    is: 'nothing',
  },
  {
    name: 'near miss: never heard beyond the handshake',
    connections: [
      requestOnly(false, {
        ending: 'timed-out',
        sides: {
          client: { ...lost().sides.client, ackedOctets: 0 },
          server: { payloadOctets: 0 },
        },
      }),
    ],
    is: 'nothing',
  },
  { name: 'near miss: two retransmissions', connections: [lost({}, { times: 3 })], is: 'nothing' },
  { name: 'near miss: SYNs', connections: [lost({}, { what: 'syn' })], is: 'nothing' },
  {
    name: 'near miss: one direction not captured',
    connections: [lost({ seen: 'client-only' })],
    is: 'nothing',
  },
  {
    name: 'a FIN that was never acknowledged, although the client was heard and closed later',
    connections: [
      connection({
        ending: 'timed-out',
        sides: {
          client: {
            lastMs: 5000,
            fin: { frame: 20, tMs: 5000, seq: 101, ackedMs: 5001, ackedFrame: 21, times: 1 },
          },
          server: {
            fin: { frame: 8, tMs: 100, seq: 501, ackedMs: null, ackedFrame: null, times: 6 },
            unanswered: {
              what: 'fin',
              seq: 501,
              len: 0,
              firstFrame: 8,
              lastFrame: 22,
              firstMs: 100,
              lastMs: 6500,
              times: 6,
            },
          },
        },
      }),
    ],
    is: 'likely',
    variant: 'fin-lost',
    severity: 'notice',
    because: ['fin-unacked'],
    against: ['already-over'],
  },
])
