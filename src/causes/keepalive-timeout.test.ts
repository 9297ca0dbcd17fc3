import { causeTable } from '../../test/helpers/cause-table.ts'
import { connection, reset, segment } from '../../test/helpers/facts.ts'
import type { IdleExperiment } from '../evidence/experiments.ts'
import { keepaliveTimeout } from './keepalive-timeout.ts'

const gaveUp = (probes: number, over: Parameters<typeof connection>[0] = {}) =>
  connection({
    ending: 'reset',
    resets: [reset({ from: 'client', shape: 'active', tMs: 40_000 })],
    sides: { client: { keepaliveUnanswered: probes, keepaliveIntervalMs: 1000 } },
    ...over,
  })

/** Heard last at 5 s, probed from 11 s on. */
const probed = gaveUp(3, {
  tail: [
    segment({ frame: 9, tMs: 5000, from: 'server' }),
    segment({ frame: 10, tMs: 11_000, note: 'keepalive' }),
    segment({ frame: 11, tMs: 12_000, note: 'keepalive' }),
  ],
  sides: {
    client: { keepaliveUnanswered: 3, keepaliveIntervalMs: 1000 },
    server: { lastMs: 5000, lastDataMs: 5000 },
  },
})

const limit = (over: Partial<IdleExperiment> = {}): IdleExperiment => ({
  kind: 'idle',
  source: 'probe',
  ref: 'targets[0].runs[0]',
  endpoint: '10.77.2.2:80',
  fromMs: 3860,
  toMs: 4150,
  flavour: 'silent',
  by: 'middlebox',
  ...over,
})

causeTable(keepaliveTimeout, [
  {
    name: 'a hop forgets connections before the first probe: confirmed, and its doing',
    connections: [probed],
    experiments: [limit()],
    is: 'confirmed',
    variant: 'too-late',
    culprit: 'middlebox',
    because: ['too-late'],
  },
  {
    name: 'the same of another day: told, and the culprit stays open',
    connections: [probed],
    experiments: [limit()],
    apart: { ms: 90_000_000, when: 'after' },
    is: 'likely',
    culprit: 'network',
    because: ['too-late'],
  },
  {
    name: 'near miss: its limit is longer than the distance of the probes',
    connections: [probed],
    experiments: [limit({ fromMs: 8000, toMs: 8300 })],
    is: 'likely',
    culprit: 'network',
    because: ['silence-survived'],
  },
  {
    name: 'near miss: there a RST would come',
    connections: [probed],
    experiments: [limit({ flavour: 'reset' })],
    is: 'likely',
    culprit: 'network',
  },
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
