import { causeTable } from '../../test/helpers/cause-table.ts'
import { address, connection, icmp, unanswered } from '../../test/helpers/facts.ts'
import { hostUnreachable } from './host-unreachable.ts'

const stopped = (over: Parameters<typeof icmp>[0]) =>
  unanswered({ ending: 'unreachable', icmp: [icmp(over)] })

causeTable(hostUnreachable, [
  {
    name: 'a router says host unreachable',
    connections: [stopped({})],
    is: 'likely',
    culprit: 'network',
    because: ['icmp', 'host-silent'],
  },
  { name: 'net unreachable', connections: [stopped({ code: 0 })], is: 'likely' },
  {
    name: 'IPv6: no route to destination',
    connections: [stopped({ from: 'fd00::1', type: 1, code: 0, meaning: 'no-route' })],
    is: 'likely',
  },
  {
    name: 'hop limit ran out: a loop',
    connections: [stopped({ type: 11, code: 0, meaning: 'time-exceeded' })],
    is: 'likely',
    variant: 'routing-loop',
  },
  {
    name: 'the host answers on another port: said against it',
    connections: [stopped({}), connection({ id: 1, server: address('10.77.2.2', 8080) })],
    is: 'likely',
    against: ['host-answers'],
  },
  {
    name: 'near miss: prohibited is a filter',
    connections: [stopped({ code: 13, meaning: 'admin-prohibited' })],
    is: 'nothing',
  },
  {
    name: "near miss: it quotes the server's packet",
    connections: [stopped({ quotes: 'server' })],
    is: 'nothing',
  },
  {
    name: 'near miss: fragmentation needed',
    connections: [stopped({ code: 4, meaning: 'fragmentation-needed', mtu: 1400 })],
    is: 'nothing',
  },
  { name: 'near miss: silence', connections: [unanswered()], is: 'nothing' },
  {
    name: 'near miss: an ICMP error in a connection that lives on',
    connections: [connection({ icmp: [icmp()] })],
    is: 'nothing',
  },
])
