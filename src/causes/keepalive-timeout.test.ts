import { causeTable } from '../../test/helpers/cause-table.ts'
import { connection, reset } from '../../test/helpers/facts.ts'
import { keepaliveTimeout } from './keepalive-timeout.ts'

const gaveUp = (probes: number, over: Parameters<typeof connection>[0] = {}) =>
  connection({
    ending: 'reset',
    resets: [reset({ from: 'client', shape: 'active', tMs: 40_000 })],
    sides: { client: { keepaliveUnanswered: probes, keepaliveIntervalMs: 1000 } },
    ...over,
  })

causeTable(keepaliveTimeout, [
  {
    name: 'five probes unanswered, then RST',
    connections: [gaveUp(5)],
    is: 'likely',
    culprit: 'network',
    because: ['unanswered-each', 'given-up'],
  },
  {
    name: 'the peer answered others meanwhile: only this connection is cut off',
    connections: [gaveUp(5)],
    endpoints: [{ lastAnswerMs: 39_000 }],
    is: 'likely',
    culprit: 'middlebox',
    against: ['peer-alive'],
  },
  {
    name: 'not given up yet',
    connections: [gaveUp(4, { ending: 'open', resets: [] })],
    is: 'possible',
    against: ['not-given-up'],
  },
  { name: 'near miss: two probes', connections: [gaveUp(2)], is: 'nothing' },
  {
    name: 'near miss: probes were answered',
    connections: [gaveUp(0, { sides: { client: { keepaliveProbes: 9 } } })],
    is: 'nothing',
  },
  {
    name: 'near miss: answers could not be seen from here',
    connections: [gaveUp(5, { seen: 'client-only' })],
    is: 'nothing',
  },
  {
    name: 'near miss: ended by a reset that answers a probe',
    connections: [gaveUp(5, { resets: [reset({ tMs: 40_000 })] })],
    is: 'nothing',
  },
])
