import { formatInstant } from '../base/time.ts'
import type { Source } from '../diagnose/report.ts'
import type { SourceFacts } from '../evidence/evidence.ts'
import type { MachineFacts } from '../evidence/machine.ts'

/** What the report says of a host that was looked at, as one of its sources. */
export function machineSource(machine: MachineFacts): Source {
  const { after, before, events } = machine
  const sum = (of: (n: MachineFacts['after']['namespaces'][number]) => number) =>
    after.namespaces.reduce((total, n) => total + of(n), 0)
  return {
    id: machine.source,
    kind: machine.source.startsWith('bundle') ? 'bundle' : 'host',
    name: machine.name,
    from: instant(before ?? after),
    to: instant(after),
    counts: {
      sockets: sum((n) => n.sockets.length),
      listeners: sum((n) => n.listeners.length),
      namespaces: after.namespaces.length,
      ...(events === null ? {} : { events: sumOf(events.counts.values()), lost: events.lost }),
    },
    faults: after.faults.map(({ path, what }) => ({ name: path, count: 1, text: what })),
  }
}

/** The same for the causes: no frames are in it. */
export function machineSourceFacts(machine: MachineFacts): SourceFacts {
  const { before, after, source, name } = machine
  return {
    id: source,
    kind: 'host',
    name,
    at: null,
    fromMs: (before ?? after).atEpochMs,
    toMs: after.atEpochMs,
    frames: 0,
    tcpFrames: 0,
    snapLen: 0,
    dropped: null,
    headerFieldsKnown: false,
    bothDirections: true,
  }
}

function instant({ atEpochMs }: MachineFacts['after']): string {
  return formatInstant(BigInt(Math.round(atEpochMs)) * 1_000_000n)
}

function sumOf(numbers: Iterable<number>): number {
  let sum = 0
  for (const n of numbers) sum += n
  return sum
}
