import type { KernelEvent, MachineFacts, ResetFact } from '../../evidence/machine.ts'
import { type Judgement, type Reason, reasonsOf } from '../cause.ts'
import { checkOf } from './health-check.ts'
import { eventOf, judgeResets, membersOf } from './resets.ts'

const say = reasonsOf('linger-zero')

/** Reason TCP_STATE or TCP_DISCONNECT_WITH_DATA by a process of an accepted connection. @see Linux net/ipv4/tcp.c tcp_disconnect */
export function judgeLingerZeroHere(machine: MachineFacts): Judgement {
  const judged: MachineFacts = {
    ...machine,
    resets: machine.resets.filter((fact) => checkOf(machine, fact) === null),
  }
  return judgeResets(judged, {
    of: ['linger-zero', 'linger-zero-with-unsent-data', 'linger2-negative'],
    dying: false,
    severity: (fact) => (harms(fact, harmOf(machine, fact)) ? 'problem' : 'notice'),
    because: (fact) => [
      say(
        'kernel-said',
        { count: fact.count, reason: fact.event.reason ?? '' },
        eventOf(fact, machine),
      ),
      ...becauseOfHarm(machine, fact),
    ],
    against: (fact) => [
      ...(fact.causes.length > 1
        ? [say('or-else', { others: fact.causes.slice(1).join(', ') }, eventOf(fact, machine))]
        : []),
      ...againstHarm(machine, fact),
    ],
  })
}

/** What the resets of a fact did to the other side, as far as this host's kernel tells. */
interface Harm {
  /** Whose other end, on this host, got ECONNRESET. */
  told: number
  /** The other side had not closed: it still waited for something, or would have asked again. */
  open: number
  /** It had closed before: nobody there waits any more. */
  closed: number
  of: number
}

function harmOf(machine: MachineFacts, fact: ResetFact): Harm {
  const all = membersOf(machine, fact)
  const events = machine.events?.events ?? []
  const states = new Map<string, KernelEvent['from']>()
  const errors = new Set<string>()
  for (const event of events) {
    if (event.kind === 'state' && event.state === 'CLOSED') states.set(ends(event), event.from)
    if (event.kind === 'error' && event.reason === 'ECONNRESET') errors.add(ends(turned(event)))
  }
  const count = (is: (event: KernelEvent) => boolean) => all.filter(is).length
  return {
    told: count((e) => errors.has(ends(e))),
    open: count((e) => states.get(ends(e)) === 'ESTABLISHED'),
    closed: count((e) => states.get(ends(e)) === 'CLOSE-WAIT'),
    of: all.length,
  }
}

function ends({ local, remote }: Pick<KernelEvent, 'local' | 'remote'>): string {
  return [local, remote].map((end) => `${plain(end?.address)} ${end?.port}`).join(' ')
}

function turned({ local, remote }: KernelEvent): Pick<KernelEvent, 'local' | 'remote'> {
  return { local: remote, remote: local }
}

function plain(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/, '')
}

/**
 * A server that resets what its client had not closed takes away what was on the way, and its client gets an error. What a client
 * of this host resets of its own is its own decision.
 */
function harms({ causes, side }: ResetFact, { told, closed, of }: Harm): boolean {
  if (causes[0] === 'linger-zero-with-unsent-data') return true
  return side === 'local' && (told > 0 || closed < of)
}

function becauseOfHarm(machine: MachineFacts, fact: ResetFact): Reason[] {
  if (fact.side !== 'local') return []
  const { told, open } = harmOf(machine, fact)
  const at = eventOf(fact, machine)
  return [
    ...(told === 0 ? [] : [say('client-told', { count: told }, at)]),
    ...(open === 0 ? [] : [say('client-open', { count: open }, at)]),
  ]
}

function againstHarm(machine: MachineFacts, fact: ResetFact): Reason[] {
  if (fact.side !== 'local') return []
  const { told, open, closed, of } = harmOf(machine, fact)
  const at = eventOf(fact, machine)
  const unknown = of - open - closed
  return [
    ...(closed === 0 ? [] : [say('client-had-closed', { count: closed }, at)]),
    ...(unknown === 0 || told > 0 ? [] : [say('client-unknown', { count: unknown }, at)]),
  ]
}
