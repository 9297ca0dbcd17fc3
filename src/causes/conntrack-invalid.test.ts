import { causeTable } from '../../test/helpers/cause-table.ts'
import {
  ACK,
  address,
  connection,
  fate,
  nothingSent,
  reset,
  segment,
} from '../../test/helpers/facts.ts'
import { conntrackInvalid } from './conntrack-invalid.ts'

const pod = address('10.244.1.7', 8080)
const stray = (over: Parameters<typeof connection>[0] = {}) =>
  connection({
    id: 1,
    server: pod,
    sawStart: false,
    clientGuessed: true,
    startMs: 300,
    ending: 'reset',
    resets: [
      reset({
        from: 'client',
        frame: 41,
        tMs: 300.1,
        trigger: segment({ frame: 40, tMs: 300, from: 'server', flags: ACK, len: 1448 }),
      }),
    ],
    sides: {
      client: { ...nothingSent, packets: 1, resets: 1 },
      server: { packets: 1, payloadOctets: 1448 },
    },
    ...over,
  })
const service = (over: Parameters<typeof connection>[0] = {}) =>
  connection({
    id: 0,
    server: address('10.96.0.20', 80),
    ending: 'reset',
    lastMs: 900,
    resets: [reset({ from: 'server', frame: 60, tMs: 900 })],
    ...over,
  })

causeTable(conntrackInvalid, [
  {
    name: 'a segment from the pod address meets a reset, the service connection dies',
    connections: [service(), stray()],
    is: 'likely',
    culprit: 'middlebox',
    because: ['stray', 'reset-by-client', 'died-too'],
    explains: 2,
  },
  {
    name: 'two captures show the address altered',
    connections: [service(), stray()],
    fates: [[0, [fate({ kind: 'data', fate: 'altered', what: 'source address' })]]],
    is: 'confirmed',
    because: ['altered'],
  },
  {
    name: 'the service connection lives on: only the stray piece is explained',
    connections: [service({ ending: 'open', resets: [] }), stray()],
    is: 'likely',
    explains: 1,
  },
  {
    name: 'near miss: nobody else uses that client port',
    connections: [service({ client: address('10.77.1.2', 41_000) }), stray()],
    is: 'nothing',
  },
  {
    name: 'near miss: the same server address: an old connection, not a translated one',
    connections: [service({ server: address('10.244.1.7', 80) }), stray()],
    is: 'nothing',
  },
  {
    name: 'near miss: long after the other connection had ended',
    connections: [service(), stray({ startMs: 60_000 })],
    is: 'nothing',
  },
  {
    name: 'near miss: it has a beginning of its own',
    connections: [service(), stray({ sawStart: true })],
    is: 'nothing',
  },
  {
    name: 'near miss: a conversation, not a stray piece',
    connections: [service(), stray({ sides: { client: { packets: 30, payloadOctets: 900 } } })],
    is: 'nothing',
  },
])
