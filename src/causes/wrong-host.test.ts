import { causeTable } from '../../test/helpers/cause-table.ts'
import { address, connection, fate, reset, segment } from '../../test/helpers/facts.ts'
import { wrongHost } from './wrong-host.ts'

const trigger = segment({ frame: 19, tMs: 19, seq: 101, ack: 501, len: 100 })
const met = (id: number, changedHabitsFrame: number | null, over = {}) =>
  connection({
    id,
    client: address(`10.77.1.${2 + id}`, 40_000),
    ending: 'reset',
    resets: [reset({ trigger, ...over })],
    sides: { server: { changedHabitsFrame } },
  })
const twoHosts = (ttl: number) => [
  {
    address: '10.77.2.2',
    packets: 900,
    ttls: [
      { ttl: 63, packets: 800 },
      { ttl, packets: 100 },
    ],
  },
]
const other = { ttl: 61, ttlUnusual: true, ttlUsual: 63 }

causeTable(wrongHost, [
  {
    name: 'habits change in the middle, then a reset, on several clients',
    connections: [met(0, 15), met(1, 15)],
    is: 'likely',
    culprit: 'network',
    because: ['habits-changed', 'unknown-to-it', 'several-clients'],
    explains: 2,
  },
  {
    name: 'one alone whose habits changed',
    connections: [met(0, 15)],
    is: 'likely',
    against: ['only-one'],
  },
  {
    name: 'the reset comes from the distance of a second machine with that address',
    connections: [met(0, null, other), met(1, null, other)],
    hosts: twoHosts(61),
    is: 'likely',
    because: ['second-ttl'],
  },
  {
    name: 'that on one connection only',
    connections: [met(0, null, other)],
    hosts: twoHosts(61),
    is: 'possible',
  },
  {
    name: 'one reset with another initial TTL at the same distance may be the same machine',
    connections: [met(0, null, { ...other, ttl: 127 })],
    hosts: twoHosts(127),
    is: 'possible',
    against: ['same-distance'],
  },
  {
    name: 'three of them, and living connections with that TTL beside',
    connections: [0, 1, 2].map((id) => met(id, null, { ...other, ttl: 127 })),
    hosts: twoHosts(127),
    is: 'likely',
  },
  {
    name: 'near miss: only the reset is odd: a filter or a forger',
    connections: [met(0, null, other)],
    is: 'nothing',
  },
  {
    name: 'near miss: habits changed and nothing was reset',
    connections: [connection({ sides: { server: { changedHabitsFrame: 5 } } })],
    is: 'nothing',
  },
  {
    name: 'near miss: proven forged',
    connections: [met(0, 15)],
    fates: [[0, [fate()]]],
    is: 'nothing',
  },
  {
    name: 'the captured server did not send it, and its sender serves others under the address',
    connections: [
      met(0, null, other),
      met(1, null, other),
      connection({ id: 2, sides: { server: { ttls: [61] } } }),
    ],
    hosts: twoHosts(61),
    fates: [0, 1].map((id) => [id, [fate()]] as const),
    is: 'likely',
    because: ['second-ttl', 'not-the-captured'],
    explains: 2,
  },
  {
    name: 'near miss: forged, with a TTL that packets of that address have, but no connection lives with it',
    connections: [met(0, null, other), met(1, null, other)],
    hosts: twoHosts(61),
    fates: [0, 1].map((id) => [id, [fate()]] as const),
    is: 'nothing',
  },
])
