import { existsSync, readFileSync } from 'node:fs'
import type { OwnConnection } from './own.ts'
import type { Check } from './peers.ts'
import type { Subject } from './tally.ts'

export interface Explanation {
  /** Anchor of its section in docs/agreement.md. */
  reason: string
  covers(subject: Subject, check: Check, own: OwnConnection | undefined): boolean
}

/**
 * The reasons of docs/agreement.md. A section is headed `### reason-id`; in it, each line `| peer | file | streams |
 * fields |` of a table says what it explains: streams and fields are lists with commas, `*` is all.
 */
export function readExplanations(path: string): Explanation[] {
  if (!existsSync(path)) return []
  const found: Explanation[] = [...provenExplanations]
  let reason = ''
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const heading = /^### ([a-z0-9-]+)$/.exec(line)?.[1]
    if (heading !== undefined) reason = heading
    const cells = line.split('|').map((cell) => cell.trim().replaceAll('`', ''))
    const [, peer, file, streams, fields] = cells
    if (cells.length !== 6 || peer === 'peer' || peer!.startsWith('-') || reason === '') continue
    found.push({
      reason,
      covers: (subject, check) =>
        peer === subject.peer &&
        (file === '*' || file === subject.file) &&
        listed(streams!, subject.stream) &&
        listed(fields!, check.field),
    })
  }
  return found
}

/** Fields that a packet counted twice disturbs. */
const DISTURBED_BY_COPIES = [
  'packets',
  'retransmissions',
  'fast retransmissions',
  'spurious retransmissions',
  'out of order',
  'duplicate ACKs',
  'zero-window probes',
  'keepalives',
  'SYNs',
  'SYN-ACKs',
  'FINs',
  'resets',
  'last frame',
  'TTLs client',
  'TTLs server',
]

/** Reasons that the packets of the stream prove, so that no list of streams is needed. */
const provenExplanations: readonly Explanation[] = [
  {
    reason: 'mirrored-duplicates',
    covers: (_, { field }, own) =>
      own !== undefined &&
      own.facts.duplicateFrames > 0 &&
      own.plain.copies === own.facts.duplicateFrames &&
      DISTURBED_BY_COPIES.includes(field),
  },
  {
    reason: 'sent-twice-is-not-reordered',
    covers: ({ peer }, { field }, own) => {
      if (peer !== 'tshark' || own === undefined) return false
      if (field !== 'retransmissions' && field !== 'out of order') return false
      const { client, server } = own.facts.sides
      const reordered = client.outOfOrder + server.outOfOrder
      const resent = [client, server].reduce((sum, { retransmissions: r }) => {
        return sum + r.rto + r.fast + r.spurious
      }, 0)
      const { plain } = own
      return reordered <= plain.reordered && resent + reordered === plain.repeats + plain.reordered
    },
  },
]

function listed(list: string, value: string): boolean {
  return list === '*' || list.split(',').some((item) => item.trim() === value)
}
