import type { EventsFacts } from '../host/events.ts'
import type { ListenerRate } from '../host/listener-rates.ts'
import type { ResetFact } from '../host/machine-resets.ts'
import type { HostSnapshot } from '../host/snapshot.ts'
import type { SynDropFacts } from '../host/syn-drops.ts'
import type { SynRules } from '../host/syn-rules.ts'

/** One host that was looked at twice, and what its kernel told in between. */
export interface MachineFacts {
  /** Id of its source. */
  source: string
  name: string
  /** uname -r */
  release: string
  /** null where there was one look only: nothing can be said of what rose. */
  before: HostSnapshot | null
  after: HostSnapshot
  /** Between the two looks. */
  forMs: number
  /** null: not asked for, or not to be had (`missing` says why). */
  events: EventsFacts | null
  /** What its TCP reset meanwhile, those alike together. Empty where events were not to be had. */
  resets: readonly ResetFact[]
  /** By inode of the listener. */
  listenerRates: ReadonlyMap<number, ListenerRate>
  /** Whether netfilter on this host dropped the SYNs that its sockets repeated; null: cannot tell. */
  synDrops: SynDropFacts | null
  /** What its own rules say of SYNs that it repeats; null: not asked, because netfilter dropped nothing meanwhile. */
  synRules: SynRules | null
  missing: readonly MissingFact[]
}

/** What could not be seen, why, and what it would add, in words. */
export interface MissingFact {
  what: string
  why: string
  adds: string
}

export type { EventsFacts, KernelEvent } from '../host/events.ts'
export type {
  ConfiguredCheck,
  ConfiguredLimit,
  DatabaseSession,
  Endpoint,
  Listener,
  OpenFiles,
  Owner,
  ProgramFacts,
  SocketFact,
} from '../host/facts.ts'
export type { ListenerRate, RateUnknown } from '../host/listener-rates.ts'
export type { ResetFact } from '../host/machine-resets.ts'
export type { ResetCause } from '../host/reset-story.ts'
export type {
  HostSnapshot,
  ListenerSnapshot,
  NetnsSnapshot,
  ProcessSnapshot,
} from '../host/snapshot.ts'
export type { SynRule } from '../host/syn-rules.ts'
