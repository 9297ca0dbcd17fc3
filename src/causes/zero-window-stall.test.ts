import { causeTable } from '../../test/helpers/cause-table.ts'
import { connection, reset } from '../../test/helpers/facts.ts'
import { zeroWindowStall } from './zero-window-stall.ts'

const stalled = (ms: number, openAtEnd: boolean, over: Parameters<typeof connection>[0] = {}) =>
  connection({
    sides: {
      client: { zeroWindow: { times: 2, ms, openAtEnd, firstFrame: 12 }, lastWindow: 0 },
      server: { zeroWindowProbes: 7 },
    },
    ...over,
  })

causeTable(zeroWindowStall, [
  {
    name: 'closed to the end, probes answered',
    connections: [stalled(30_000, true)],
    is: 'likely',
    severity: 'problem',
    culprit: 'client',
    because: ['closed', 'probes', 'still-closed'],
  },
  {
    name: 'the sender gave up',
    connections: [
      stalled(30_000, true, { ending: 'reset', resets: [reset({ shape: 'active', tMs: 31_000 })] }),
    ],
    is: 'likely',
    because: ['gave-up'],
  },
  {
    name: 'opened again after long: a notice',
    connections: [stalled(8000, false)],
    is: 'likely',
    severity: 'notice',
    against: ['recovered'],
  },
  {
    name: 'three readers for 2.4 s each: a notice',
    connections: [0, 1, 2].map((id) => stalled(2400, false, { id })),
    is: 'likely',
    severity: 'notice',
    explains: 3,
    against: ['recovered'],
  },
  {
    name: 'near miss: two readers for 2.4 s each',
    connections: [0, 1].map((id) => stalled(2400, false, { id })),
    is: 'nothing',
  },
  {
    name: 'near miss: three readers for less than a second',
    connections: [0, 1, 2].map((id) => stalled(900, false, { id })),
    is: 'nothing',
  },
  { name: 'near miss: short', connections: [stalled(300, false)], is: 'nothing' },
  {
    name: 'near miss: the reader closed on it (unread data)',
    connections: [
      stalled(3000, true, {
        ending: 'reset',
        resets: [reset({ from: 'client', shape: 'active', tMs: 4000 })],
      }),
    ],
    is: 'nothing',
  },
  { name: 'near miss: healthy', connections: [connection()], is: 'nothing' },
])
