import { causeTable } from '../../test/helpers/cause-table.ts'
import {
  connection,
  handshakeOnly,
  requestOnly,
  reset,
  unanswered,
} from '../../test/helpers/facts.ts'
import { listenerClosed } from './listener-closed.ts'

const at = (n: number) => ({ shape: 'active' as const, frame: 100 + n, tMs: 900 + n / 10, seq: 1 })
const asked = (id: number) =>
  requestOnly(true, { id, ending: 'handshake-reset', resets: [reset(at(id))] })
const silent = (id: number) =>
  handshakeOnly({ id, ending: 'handshake-reset', resets: [reset(at(id))] })
const refused = (id: number) =>
  unanswered({
    id,
    ending: 'refused',
    startMs: 1000,
    resets: [reset({ shape: 'syn-reply', frame: 200 + id, tMs: 1001 })],
  })
const finned = (id: number) =>
  handshakeOnly({
    id,
    ending: 'clean',
    sides: {
      server: {
        fins: 1,
        fin: {
          frame: 100 + id,
          tMs: 900 + id / 10,
          seq: 1,
          ackedMs: 902,
          ackedFrame: 150,
          times: 1,
        },
      },
    },
  })
const served = (id: number) =>
  connection({
    id,
    ending: 'reset',
    requestPending: true,
    resets: [reset({ ...at(id), seq: 501 })],
  })

causeTable(listenerClosed, [
  {
    name: 'a queue reset in one go, then refusals',
    connections: [asked(0), asked(1), asked(2), refused(3)],
    is: 'likely',
    culprit: 'server',
    because: ['together', 'refused-after'],
    explains: 3,
  },
  {
    name: 'some had sent nothing, so nothing was unread',
    connections: [silent(0), asked(1), asked(2)],
    is: 'likely',
    because: ['nothing-unread'],
  },
  {
    name: 'a restart: answers go on, requests were unread: could be accept and close',
    connections: [silent(0), asked(1)],
    endpoints: [{ lastAnswerMs: 5000 }],
    is: 'possible',
    against: ['answers-after'],
  },
  {
    name: 'the process died with it: a consequence',
    connections: [asked(0), silent(1), served(2), served(3), refused(4)],
    is: 'likely',
    consequenceOf: 'process-killed',
    explains: 2,
  },
  {
    name: 'near miss: FINs among them: accepted and closed',
    connections: [asked(0), asked(1), finned(2), finned(3)],
    endpoints: [{ lastAnswerMs: 5000 }],
    is: 'nothing',
  },
  {
    name: 'near miss: one alone',
    connections: [asked(0), refused(1)],
    is: 'nothing',
  },
  {
    name: 'near miss: spread over seconds',
    connections: [asked(0), asked(1000), asked(2000), refused(3)],
    is: 'nothing',
  },
  {
    name: 'near miss: stateless resets are replies, not a closed queue',
    connections: [0, 1, 2].map((id) =>
      requestOnly(false, {
        id,
        ending: 'handshake-reset',
        resets: [reset({ ...at(id), shape: 'stateless' })],
      }),
    ),
    is: 'nothing',
  },
  { name: 'a healthy exchange', connections: [connection()], is: 'nothing' },
])
