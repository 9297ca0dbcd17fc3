import { causeTable } from '../../test/helpers/cause-table.ts'
import { application, connection } from '../../test/helpers/facts.ts'
import type { HttpFacts } from '../evidence/application.ts'
import { clientTimeout } from './client-timeout.ts'

/** 500 octets of an answer at 5 ms + shift, then nothing; the client's FIN `silence` later, acknowledged unless told. */
const given = (id: number, silence: number, over: Parameters<typeof connection>[0] = {}) => {
  const tMs = 5 + 400 * id + silence
  const fin = { frame: 30 + id, tMs, seq: 101, ackedMs: tMs + 1, ackedFrame: 40, times: 1 }
  return connection({
    id,
    ending: 'clean',
    endedBy: 'client',
    sides: { client: { fins: 1, fin }, server: { lastDataMs: 5 + 400 * id } },
    ...over,
  })
}
const body = (id: number, over: Partial<HttpFacts> = {}) =>
  [
    id,
    application({
      protocol: 'http',
      http: {
        responseFrame: 6,
        contentLength: 9000,
        chunked: false,
        bodyOctetsSeen: 400,
        bodyComplete: false,
        ...over,
      } as HttpFacts,
    }),
  ] as const
const three = [given(0, 2000), given(1, 2010), given(2, 1995)]

causeTable(clientTimeout, [
  {
    name: 'answers stopped in the middle, clients closed after 2 s of silence',
    connections: three,
    application: [body(0), body(1), body(2)],
    is: 'likely',
    variant: 'response-stopped',
    culprit: 'server',
    because: ['stopped-in-answer', 'path-well'],
    explains: 3,
  },
  {
    name: 'in chunks, the last of which did not come',
    connections: three,
    application: [0, 1, 2].map((id) => body(id, { contentLength: null, chunked: true })),
    is: 'likely',
    variant: 'response-stopped',
    because: ['stopped-in-chunks'],
  },
  {
    name: 'one alone, after no round time: possible',
    connections: [given(0, 1730)],
    application: [body(0)],
    is: 'possible',
    variant: 'response-stopped',
  },
  {
    name: 'near miss: the client left while the answer flowed',
    connections: [given(0, 200)],
    application: [body(0)],
    is: 'nothing',
  },
  {
    name: 'near miss: the answer was whole',
    connections: three,
    application: [0, 1, 2].map((id) => body(id, { bodyComplete: true })),
    is: 'nothing',
  },
  {
    name: 'near miss: events come when they come',
    connections: three,
    application: [0, 1, 2].map((id) => body(id, { contentLength: null, streaming: true })),
    is: 'nothing',
  },
  {
    name: 'near miss: the client itself did not read',
    connections: three.map((c) => ({
      ...c,
      sides: { ...c.sides, client: { ...c.sides.client, lastWindow: 0 } },
    })),
    application: [body(0), body(1), body(2)],
    is: 'nothing',
  },
])
