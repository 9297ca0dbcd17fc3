import type { TlsFacts } from '../../src/evidence/application.ts'
import { causeTable } from '../../test/helpers/cause-table.ts'
import { application, connection, reset } from '../../test/helpers/facts.ts'
import { tlsFailure } from './tls-failure.ts'

const tls = (over: Partial<TlsFacts>) =>
  [
    [
      0,
      application({
        protocol: 'tls',
        tls: {
          alert: null,
          handshakeFinished: false,
          plainTextFrom: null,
          clientHello: true,
          serverName: 'shop.test',
          ...over,
        },
      }),
    ],
  ] as const
const alert = (from: 'client' | 'server', description: number, name: string) => ({
  alert: { from, description, name, frame: 7 },
})
const closed = [connection({ ending: 'clean', endedBy: 'client' })]
const died = [connection({ ending: 'reset', resets: [reset({ shape: 'active' })] })]

causeTable(tlsFailure, [
  {
    name: "the client does not know the authority of the server's certificate",
    connections: closed,
    application: tls(alert('client', 48, 'unknown_ca')),
    is: 'likely',
    variant: 'certificate',
    culprit: 'client',
    because: ['alert', 'unfinished'],
  },
  {
    name: "the server's certificate has expired",
    connections: closed,
    application: tls(alert('client', 45, 'certificate_expired')),
    is: 'likely',
    variant: 'certificate',
    culprit: 'server',
  },
  {
    name: 'ClientHello, then reset, twice the same way',
    connections: [...died, { ...died[0]!, id: 1 }],
    application: [...tls({}), [1, tls({})[0][1]]],
    is: 'likely',
    variant: 'broken-off',
    because: ['alike'],
    explains: 2,
  },
  {
    name: 'clients that leave after the hello, again and again: perhaps a scanner',
    connections: [0, 1].map((id) =>
      connection({
        id,
        ending: 'reset',
        resets: [reset({ from: 'client', shape: 'active' })],
      }),
    ),
    application: [...tls({}), [1, tls({})[0][1]]],
    is: 'possible',
    culprit: 'client',
  },
  {
    name: 'no common version',
    connections: closed,
    application: tls(alert('server', 70, 'protocol_version')),
    is: 'likely',
    variant: 'alert',
    culprit: 'unknown',
  },
  {
    name: 'plain text to a TLS port',
    connections: died,
    application: tls({ plainTextFrom: 'client', clientHello: false }),
    is: 'likely',
    variant: 'plain-text',
    culprit: 'client',
  },
  {
    name: 'ClientHello, then a reset and no reason: only possible',
    connections: died,
    application: tls({}),
    is: 'possible',
    variant: 'broken-off',
    against: ['no-alert'],
  },
  {
    name: 'the same once, by a client of a server that served many: a notice',
    connections: [
      connection({ ending: 'reset', resets: [reset({ from: 'client', shape: 'active' })] }),
    ],
    application: tls({}),
    endpoints: [{ served: 300 }],
    is: 'possible',
    severity: 'notice',
  },
  {
    name: 'an alert after the handshake: said against it',
    connections: closed,
    application: tls({ ...alert('server', 80, 'internal_error'), handshakeFinished: true }),
    is: 'likely',
    against: ['finished'],
  },
  {
    name: "near miss: the client's alert only complains that the server has closed",
    connections: [
      connection({
        ending: 'reset-after-fin',
        sides: {
          server: {
            fins: 1,
            fin: { frame: 6, tMs: 6, seq: 1, ackedMs: 7, ackedFrame: 7, times: 1 },
          },
        },
      }),
    ],
    application: tls(alert('client', 50, 'decode_error')),
    is: 'possible',
    variant: 'broken-off',
    culprit: 'server',
  },
  {
    name: 'near miss: close_notify is the orderly end',
    connections: closed,
    application: tls({ ...alert('client', 0, 'close_notify'), handshakeFinished: true }),
    is: 'nothing',
  },
  {
    name: 'near miss: reset after the handshake was finished',
    connections: died,
    application: tls({ handshakeFinished: true }),
    is: 'nothing',
  },
  {
    name: 'near miss: whether it was finished cannot be told',
    connections: died,
    application: tls({ handshakeFinished: 'unknown' }),
    is: 'nothing',
  },
  { name: 'near miss: no payload in the capture', connections: died, is: 'nothing' },
])
