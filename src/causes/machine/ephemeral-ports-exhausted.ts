import type { KernelEvent, MachineFacts, NetnsSnapshot } from '../../evidence/machine.ts'
import { type Judgement, reasonsOf, type Verdict } from '../cause.ts'
import { endpointText, eventRef, groupBy, netnsName } from './lookup.ts'
import { onMachine } from './verdict.ts'

const say = reasonsOf('ephemeral-ports-exhausted')

const NEAR = 0.9
type Use = NetnsSnapshot['ephemeral']['destinations'][number]

/** connect() or bind() fails with EADDRNOTAVAIL, nothing is sent. @see Linux net/ipv4/inet_hashtables.c __inet_hash_connect */
export function judgePorts(machine: MachineFacts): Judgement {
  const failed = (machine.events?.events ?? []).filter(
    (e) =>
      e.reason === 'EADDRNOTAVAIL' && (e.kind === 'connect-failed' || e.kind === 'socket-failed'),
  )
  const full = machine.after.namespaces.flatMap((netns) => fullOf(netns))
  const verdicts = [...groupBy(failed, (e) => String(e.pid)).values()].map((events) =>
    ofCalls(machine, events, full),
  )
  if (verdicts.length === 0) verdicts.push(...full.map((use) => ofUse(machine, use)))
  return { verdicts }
}

interface FullUse {
  netns: NetnsSnapshot
  use: Use
  ports: number
}

function fullOf(netns: NetnsSnapshot): FullUse[] {
  const { range, destinations } = netns.ephemeral
  if (range === null || range.ports <= 0) return []
  return destinations
    .filter(({ used }) => used >= NEAR * range.ports)
    .map((use) => ({ netns, use, ports: range.ports }))
}

function ofCalls(
  machine: MachineFacts,
  events: readonly KernelEvent[],
  full: readonly FullUse[],
): Verdict {
  const first = events[0]!
  const { pid, command } = first
  const counted = machine.events?.counts.get('connect-failed EADDRNOTAVAIL') ?? events.length
  const [worst] = full
  return onMachine(machine, {
    certainty: 'confirmed',
    severity: 'problem',
    side: 'client',
    process: pid === null ? null : { pid, command: command ?? '?' },
    setting: 'net.ipv4.ip_local_port_range',
    because: [
      say('call-failed', { count: counted }, eventRef(machine, first)),
      ...(worst === undefined ? [] : [inUse(machine, worst)]),
    ],
    against: worst === undefined ? [say('no-full-range', {}, eventRef(machine, first))] : [],
    group: String(pid),
    values: valuesOf(worst),
    subject: { count: Math.max(counted, 1), what: 'connects' },
  })
}

function ofUse(machine: MachineFacts, full: FullUse): Verdict {
  const { use, ports, netns } = full
  return onMachine(machine, {
    certainty: use.used >= ports ? 'likely' : 'possible',
    severity: use.used >= ports ? 'problem' : 'notice',
    variant: 'near',
    side: 'client',
    setting: 'net.ipv4.ip_local_port_range',
    because: [inUse(machine, full)],
    group: `${netnsName(netns)} ${endpointText(use.destination)}`,
    values: valuesOf(full),
    subject: { count: use.used, of: ports, what: 'sockets' },
  })
}

function inUse(machine: MachineFacts, { netns, use, ports }: FullUse) {
  const server = endpointText(use.destination)
  return say(
    'in-use',
    { used: use.used, ports, server, waiting: use.timeWait },
    {
      source: machine.source,
      kind: 'setting',
      name: 'net.ipv4.ip_local_port_range',
      value: String(ports),
      netns: netnsName(netns),
    },
  )
}

function valuesOf(full: FullUse | undefined) {
  const server = full === undefined ? 'its destinations' : endpointText(full.use.destination)
  return { server, used: full?.use.used ?? 0, ports: full?.ports ?? 0 }
}
