import { groupBy } from '../../base/group-by.ts'
import type { KernelEvent, MachineFacts, NetnsSnapshot } from '../../evidence/machine.ts'
import { type Judgement, reasonsOf, type Verdict } from '../cause.ts'
import {
  type CulpritProcess,
  endpointText,
  eventRef,
  netnsName,
  ownerOf,
  processOf,
} from './lookup.ts'
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
  const groups = [...byProcess(machine, failed).values()]
  const verdicts = groups.map((events) => ofCalls(machine, events, full, groups.length === 1))
  if (verdicts.length === 0) verdicts.push(...full.map((use) => ofUse(machine, use)))
  return { verdicts }
}

/**
 * A thread that has ended before anybody asked whose it was has only its own number: several of one name, none of them a
 * process that is there, are taken for threads of one.
 */
function byProcess(
  machine: MachineFacts,
  failed: readonly KernelEvent[],
): Map<string, KernelEvent[]> {
  const there = new Set(machine.after.processes.map(({ pid }) => pid))
  const gone = failed.filter(({ pid }) => pid !== null && !there.has(pid))
  const named = groupBy(gone, ({ command }) => command ?? '')
  const isThread = ({ pid, command }: KernelEvent) =>
    pid !== null && !there.has(pid) && pidsOf(named.get(command ?? '') ?? []).size > 1
  return groupBy(failed, (e) => (isThread(e) ? `threads ${e.command}` : String(e.pid)))
}

function pidsOf(events: readonly KernelEvent[]): Set<number | null> {
  return new Set(events.map(({ pid }) => pid))
}

/** All that these processes failed to do, kept one by one or not. */
function countOf({ events }: MachineFacts, pids: ReadonlySet<number | null>): number {
  return (events?.groups ?? [])
    .filter(({ reason, pid }) => reason === 'EADDRNOTAVAIL' && pid !== null && pids.has(pid))
    .reduce((sum, { count }) => sum + count, 0)
}

/** Whose calls failed; of threads that have ended, the process of that name that holds connections to where no port is left. */
function callerOf(
  machine: MachineFacts,
  events: readonly KernelEvent[],
  worst: FullUse | undefined,
): CulpritProcess | null {
  const { pid, command } = events[0]!
  if (pidsOf(events).size === 1) return pid === null ? null : { pid, command: command ?? '?' }
  const there = worst === undefined ? null : endpointText(worst.use.destination)
  for (const { remote, inode } of worst?.netns.sockets ?? []) {
    const owner = endpointText(remote) === there ? ownerOf(machine, inode) : null
    if (owner !== null && owner.command === command) return processOf(machine, owner)
  }
  return null
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
  alone: boolean,
): Verdict {
  const first = events[0]!
  const all = alone ? machine.events?.counts.get('connect-failed EADDRNOTAVAIL') : undefined
  const counted = all ?? Math.max(events.length, countOf(machine, pidsOf(events)))
  const [worst] = full
  const process = callerOf(machine, events, worst)
  return onMachine(machine, {
    certainty: 'confirmed',
    severity: 'problem',
    side: 'client',
    process,
    ...(process === null ? { variant: 'threads' } : {}),
    setting: 'net.ipv4.ip_local_port_range',
    because: [
      say('call-failed', { count: counted }, eventRef(machine, first)),
      ...(worst === undefined ? [] : [inUse(machine, worst)]),
    ],
    against: worst === undefined ? [say('no-full-range', {}, eventRef(machine, first))] : [],
    group: String(process?.pid ?? first.command),
    values: { ...valuesOf(worst), command: first.command ?? '?' },
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
