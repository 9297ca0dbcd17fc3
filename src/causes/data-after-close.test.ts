import { causeTable } from '../../test/helpers/cause-table.ts'
import { application, connection, reset, segment } from '../../test/helpers/facts.ts'
import { dataAfterClose } from './data-after-close.ts'

function late(
  over: { id?: number; seq?: number; ack?: number; len?: number; finMs?: number } = {},
) {
  const { id = 0, seq = 502, ack = 502, len = 80, finMs = 100 } = over
  const fin = {
    frame: 10,
    tMs: finMs,
    seq: 501,
    ackedMs: finMs + 1,
    ackedFrame: 11,
    times: 1,
  }
  const data = segment({ frame: 20, tMs: 2000, seq: 101, ack, len })
  return connection({
    id,
    ending: 'reset-after-fin',
    resets: [reset({ frame: 21, tMs: 2001, seq, trigger: data })],
    sides: { server: { fins: 1, fin } },
  })
}

causeTable(dataAfterClose, [
  {
    name: 'FIN acknowledged, then a request, then RST at FIN+1',
    connections: [late()],
    is: 'likely',
    culprit: 'client',
    because: ['closed', 'had-seen', 'sent-after', 'answered'],
  },
  {
    name: 'the last response had said Connection: close',
    connections: [late()],
    application: [
      [
        0,
        application({
          protocol: 'http',
          http: { connectionHeader: 'close', responseFrame: 6 } as never,
        }),
      ],
    ],
    is: 'likely',
    because: ['said-close'],
  },
  {
    name: 'closed after an idle time',
    connections: [late({ finMs: 1500 })],
    is: 'likely',
    because: ['idle-before'],
  },
  {
    name: 'the sender closed right behind its request: the reset answers the two, and the FIN is nearer',
    connections: [
      (() => {
        const one = late()
        const [answer] = one.resets
        const data = answer!.trigger!
        const close = { ...data, frame: 20.5, seq: data.seq + data.len, len: 0, flags: 0x11 }
        const own = reset({ frame: 21, tMs: 2001, seq: answer!.seq, trigger: close })
        return { ...one, tail: [data, close], resets: [own] }
      })(),
    ],
    is: 'likely',
    because: ['sent-after'],
  },
  {
    name: 'many closed in one instant: said against it',
    connections: [late({ id: 0 }), late({ id: 1 }), late({ id: 2 })],
    is: 'likely',
    against: ['together'],
  },
  {
    name: 'sent within a round trip of the FIN: the program can hardly have looked',
    connections: [late({ finMs: 1999.5 })],
    is: 'possible',
    against: ['at-once'],
  },
  {
    name: 'near miss: crossed on the wire (keep-alive race)',
    connections: [late({ seq: 501, ack: 501 })],
    is: 'nothing',
  },
  {
    name: 'near miss: the answer to a bare FIN',
    connections: [late({ len: 0 })],
    is: 'nothing',
  },
  {
    name: 'near miss: only a TLS farewell',
    connections: [late({ len: 31 })],
    application: [[0, application({ protocol: 'tls' })]],
    is: 'nothing',
  },
  {
    name: 'the size of a TLS farewell, payload not read: said against it',
    connections: [late({ len: 31 })],
    is: 'possible',
    against: ['like-farewell'],
  },
  {
    name: 'a short line of a plain protocol is data',
    connections: [late({ len: 14 })],
    is: 'likely',
  },
  {
    name: 'near miss: the client closed while its answer was on the way',
    connections: [
      connection({
        ending: 'reset-after-fin',
        resets: [
          reset({
            from: 'client',
            seq: 102,
            trigger: segment({ from: 'server', tMs: 50, ack: 102, len: 900 }),
          }),
        ],
        sides: {
          client: { fin: { frame: 9, tMs: 30, seq: 101, ackedMs: 31, ackedFrame: 10, times: 1 } },
        },
      }),
    ],
    is: 'nothing',
  },
])
