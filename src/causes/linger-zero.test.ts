import { causeTable } from '../../test/helpers/cause-table.ts'
import {
  ACK,
  application,
  behindProxy,
  connection,
  requestOnly,
  reset,
  SYN,
  segment,
} from '../../test/helpers/facts.ts'
import { lingerZero } from './linger-zero.ts'

const aborted = (id: number, over: Parameters<typeof connection>[0] = {}) =>
  connection({
    id,
    ending: 'reset',
    resets: [reset({ shape: 'active', tMs: 6, frame: 20 + id })],
    ...over,
  })

/** Idle since before the capture began: one packet. */
const lone = (id: number, shape: 'active' | 'stateless' = 'active') =>
  connection({
    id,
    ending: 'reset',
    sawStart: false,
    seen: 'server-only',
    sides: {
      client: { packets: 0, payloadOctets: 0 },
      server: { packets: 1, payloadOctets: 0 },
    },
    resets: [reset({ shape, tMs: 900, frame: 90 + id })],
  })

const synAck = segment({ from: 'server', flags: SYN | ACK, seq: 0, wnd: 65_160 })

causeTable(lingerZero, [
  {
    name: 'of one that was idle before only the reset was seen, like those of others of that server',
    connections: [aborted(0), aborted(1), aborted(2), lone(3)],
    is: 'likely',
    explains: 4,
  },
  {
    name: 'near miss: another kind of reset, and all that was seen',
    connections: [aborted(0), aborted(1), aborted(2), lone(3, 'stateless')],
    is: 'likely',
    explains: 3,
  },
  {
    name: 'near miss: only the reset was seen, and no habit of that server is known',
    connections: [aborted(0), lone(3)],
    is: 'possible',
    explains: 1,
  },
  {
    name: 'every connection ends so right after a complete answer',
    connections: [aborted(0), aborted(1), aborted(2)],
    is: 'likely',
    severity: 'notice',
    culprit: 'server',
    explains: 3,
    because: ['reset-without-fin', 'systematic'],
  },
  {
    name: 'its window was lower by about all that it had received: perhaps it never read (HTTP spoken to an SSH server)',
    connections: [0, 1, 2].map((id) =>
      aborted(id, {
        sides: {
          client: { payloadOctets: 605, ackedOctets: 605 },
          server: { maxWindow: 64_640, lastWindow: 64_640 },
        },
        head: [synAck],
      }),
    ),
    is: 'possible',
    because: ['reset-perhaps-unread'],
    against: ['window-lower'],
  },
  {
    name: 'near miss: the reset has the TTL of the handshake, and all data another: a proxy sent it',
    connections: [behindProxy(251, 52)],
    is: 'nothing',
  },
  {
    name: 'idle ones, all reset in one moment: a setting does not do that, ss -K does',
    connections: [0, 1, 2].map((id) =>
      aborted(id, {
        resets: [reset({ shape: 'active', tMs: 500 + id / 10, frame: 20 + id })],
      }),
    ),
    is: 'possible',
    against: ['one-moment'],
  },
  {
    name: 'the tail of the answer was not acknowledged: lost',
    connections: [0, 1, 2].map((id) => aborted(id, { sides: { server: { inFlightOctets: 300 } } })),
    is: 'likely',
    severity: 'problem',
    because: ['lost'],
  },
  {
    name: 'near miss: only the server is captured: what lay unread cannot be known',
    connections: [0, 1, 2].map((id) => aborted(id, { seen: 'server-only' })),
    is: 'nothing',
  },
  { name: 'a single one', connections: [aborted(0)], is: 'possible', against: ['single'] },
  {
    name: 'whether something was unread cannot be seen',
    connections: [0, 1, 2].map((id) => aborted(id, { sides: { server: { unreadOctets: null } } })),
    is: 'possible',
    against: ['unread-unknown'],
  },
  {
    name: 'after a silence: an idle limit is as possible',
    connections: [aborted(0, { resets: [reset({ shape: 'active', tMs: 8000 })] })],
    is: 'possible',
    against: ['idle'],
  },
  {
    name: 'near miss: something was unread',
    connections: [aborted(0, { sides: { server: { unreadOctets: 80 } } })],
    is: 'nothing',
  },
  {
    name: 'the server cut its own answers short: loss',
    connections: [aborted(0), aborted(1), aborted(2)],
    application: [0, 1, 2].map((id) => [
      id,
      application({ protocol: 'http', http: { bodyComplete: false } as never }),
    ]),
    is: 'likely',
    severity: 'problem',
    because: ['truncated'],
  },
  {
    name: 'near miss: the client left an answer that was not complete',
    connections: [aborted(0, { resets: [reset({ from: 'client', shape: 'active', tMs: 6 })] })],
    application: [[0, application({ protocol: 'http', http: { bodyComplete: false } as never })]],
    is: 'nothing',
  },
  {
    name: 'near miss: a request was pending',
    connections: [requestOnly(true, { ending: 'reset', resets: [reset({ shape: 'active' })] })],
    is: 'nothing',
  },
  {
    name: 'near miss: a FIN came first',
    connections: [
      aborted(0, {
        ending: 'reset-after-fin',
        sides: {
          server: { fin: { frame: 9, tMs: 5.5, seq: 501, ackedMs: 5.6, ackedFrame: 10, times: 1 } },
        },
      }),
    ],
    is: 'nothing',
  },
  {
    name: 'near miss: a stateless reset',
    connections: [connection({ ending: 'reset', resets: [reset()] })],
    is: 'nothing',
  },
  {
    name: 'near miss: octets behind the request that nobody read',
    connections: [aborted(0), aborted(1), aborted(2)],
    application: [0, 1, 2].map((id) => [
      id,
      application({ protocol: 'http', http: { requestSurplusOctets: 2 } as never }),
    ]),
    is: 'nothing',
  },
  {
    name: 'an answer of refusal: perhaps the request was never read',
    connections: [aborted(0), aborted(1), aborted(2)],
    application: [0, 1, 2].map((id) => [
      id,
      application({ protocol: 'http', http: { status: 503 } as never }),
    ]),
    is: 'possible',
    against: ['perhaps-unread'],
  },
])
