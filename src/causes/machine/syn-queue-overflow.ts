import type { MachineFacts, NetnsSnapshot } from '../../evidence/machine.ts'
import { type Judgement, reasonsOf, type Verdict } from '../cause.ts'
import {
  counterRef,
  endpointText,
  isFull,
  netnsName,
  ownerOf,
  processOf,
  type Rise,
  riseOf,
  serverEnd,
  socketRef,
} from './lookup.ts'
import { onMachine } from './verdict.ts'

const say = reasonsOf('syn-queue-overflow')

/** The kernel counts SYNs that it dropped, or answered by a cookie, because a SYN queue was full. @see Linux net/ipv4/tcp_input.c tcp_syn_flood_action */
export function judgeSynQueues(machine: MachineFacts): Judgement {
  return { verdicts: machine.after.namespaces.flatMap((netns) => judgeOne(machine, netns)) }
}

function judgeOne(machine: MachineFacts, netns: NetnsSnapshot): Verdict[] {
  const dropped = riseOf(machine, netns, 'TcpExtTCPReqQFullDrop')
  const cookies = riseOf(machine, netns, 'TcpExtTCPReqQFullDoCookies')
  if (dropped !== null && dropped.by > 0) return [verdictOf(machine, netns, dropped, 'dropped')]
  if (cookies !== null && cookies.by > 0) return [verdictOf(machine, netns, cookies, 'cookies')]
  return []
}

function verdictOf(
  machine: MachineFacts,
  netns: NetnsSnapshot,
  rise: Rise,
  how: 'dropped' | 'cookies',
): Verdict {
  const worst = [...netns.listeners].sort((a, b) => b.synReceived - a.synReceived)[0]
  const crowded = netns.listeners.find((listener) => isFull(listener))
  const owner = worst === undefined ? null : ownerOf(machine, worst.inode)
  const server = worst === undefined ? machine.name : endpointText(worst.local)
  return onMachine(machine, {
    certainty: 'confirmed',
    severity: how === 'dropped' ? 'problem' : 'notice',
    side: 'server',
    process: owner === null ? null : processOf(machine, owner),
    setting: 'net.ipv4.tcp_max_syn_backlog',
    because: [
      say(
        how === 'dropped' ? 'queue-dropped' : 'queue-cookies',
        { by: rise.by },
        counterRef(machine, netns, rise),
      ),
      ...(worst === undefined || worst.synReceived === 0
        ? []
        : [
            say(
              'unfinished',
              { count: worst.synReceived, server },
              socketRef(machine, netns, worst),
            ),
          ]),
    ],
    ...(crowded === undefined ? {} : { consequenceOf: 'accept-queue-overflow' as const }),
    against:
      crowded === undefined
        ? []
        : [
            say(
              'queue-behind-it',
              { server: endpointText(crowded.local), depth: crowded.depth },
              socketRef(machine, netns, crowded),
            ),
          ],
    group: netnsName(netns),
    values: { server, port: worst?.local.port ?? 0 },
    subject: {
      count: rise.by,
      what: 'handshakes',
      server: worst === undefined ? null : serverEnd(worst.local),
    },
  })
}
