import type { MachineFacts, NetnsSnapshot } from '../../evidence/machine.ts'
import { type Judgement, reasonsOf, type Verdict } from '../cause.ts'
import { before, endpointText, netnsName, riseOf } from './lookup.ts'
import { onMachine } from './verdict.ts'
import { askedFrom } from './whom.ts'

const say = reasonsOf('time-wait-pile')

const MANY = 1000
const FULL = 0.5

/** Many TIME-WAIT and nobody who was refused for it: said to be harmless. @see RFC 9293 §3.6.1 · Linux net/ipv4/inet_timewait_sock.c */
export function judgeTimeWait(machine: MachineFacts): Judgement {
  const refused = machine.events?.counts.get('connect-failed EADDRNOTAVAIL') ?? 0
  if (refused > 0) return { verdicts: [] }
  return { verdicts: machine.after.namespaces.flatMap((netns) => judgeOne(machine, netns) ?? []) }
}

function waitingIn({ sockets }: NetnsSnapshot): number {
  return sockets.filter((s) => s.state === 'TIME-WAIT').length
}

function judgeOne(machine: MachineFacts, netns: NetnsSnapshot): Verdict | null {
  const count = waitingIn(netns)
  const first = before(machine, netns)
  if (count < MANY) return null
  const { range, destinations } = netns.ephemeral
  const [busiest] = destinations
  const most = busiest?.used ?? 0
  if (range !== null && most > FULL * range.ports) return null
  const overflow = riseOf(machine, netns, 'TcpExtTCPTimeWaitOverflow')
  if (overflow !== null && overflow.by > 0) return null
  const { source } = machine
  const where = netnsName(netns)
  const at = {
    source,
    kind: 'counter' as const,
    name: 'sockets in TIME-WAIT',
    before: first === null ? count : waitingIn(first),
    after: count,
    netns: where,
  }
  return onMachine(machine, {
    certainty: range === null ? 'likely' : 'confirmed',
    severity: 'benign',
    side: 'unknown',
    because: [
      say('count', { count }, at),
      ...(range === null ? [] : [say('ports-free', { most, ports: range.ports }, at)]),
    ],
    group: where,
    values: {
      count,
      ...(busiest === undefined ? askedFrom(netns) : { asked: endpointText(busiest.destination) }),
    },
    subject: { count, of: netns.sockets.length, what: 'sockets' },
  })
}
