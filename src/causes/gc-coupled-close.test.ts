import { causeTable } from '../../test/helpers/cause-table.ts'
import { connection, requestOnly, reset } from '../../test/helpers/facts.ts'
import { gcCoupledClose } from './gc-coupled-close.ts'

const byReset = (id: number, tMs: number) =>
  connection({
    id,
    ending: 'reset',
    resets: [reset({ from: 'client', shape: 'active', tMs, frame: 50 + id })],
  })
const released = (id: number, tMs: number) =>
  connection({
    id,
    ending: 'clean',
    sides: {
      client: { fin: { frame: 50 + id, tMs, seq: 101, ackedMs: tMs, ackedFrame: 60, times: 1 } },
      server: { fin: { frame: 30, tMs: 1000, seq: 501, ackedMs: 1001, ackedFrame: 31, times: 1 } },
    },
  })
const bunch = (
  made: (id: number, tMs: number) => ReturnType<typeof connection>,
  at: number,
  id = 0,
) => [0, 1, 2].map((i) => made(id + i, at + i * 5))

causeTable(gcCoupledClose, [
  {
    name: 'two bursts of resets of idle connections: possible without a GC log',
    connections: [...bunch(byReset, 5000), ...bunch(byReset, 15_000, 3)],
    is: 'possible',
    severity: 'notice',
    culprit: 'client',
    explains: 6,
    consequenceOf: 'close-with-unread-data',
    because: ['bunch'],
    against: ['no-gc-log'],
  },
  {
    name: 'two bursts of releases from CLOSE-WAIT',
    connections: [...bunch(released, 5000), ...bunch(released, 15_000, 3)],
    is: 'possible',
    consequenceOf: 'close-wait-leak',
  },
  { name: 'one burst: cannot tell', connections: bunch(byReset, 5000), is: 'unknown' },
  {
    name: 'near miss: closes spread in time',
    connections: [byReset(0, 3000), byReset(1, 4000), byReset(2, 6000), byReset(3, 9000)],
    is: 'nothing',
  },
  {
    name: 'near miss: right after their answers',
    connections: [...bunch(byReset, 6), ...bunch(byReset, 100, 3)],
    is: 'nothing',
  },
  {
    name: 'near miss: clients that gave up on pending requests',
    connections: [...bunch(byReset, 5000), ...bunch(byReset, 15_000, 3)].map((c) =>
      requestOnly(true, { id: c.id, ending: 'reset', resets: c.resets }),
    ),
    is: 'nothing',
  },
])
