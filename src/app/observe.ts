import type { MachineFacts, MissingFact } from '../evidence/machine.ts'
import type { EventsFacts } from '../host/events.ts'
import { type HostFiles, readOrNull } from '../host/host-files.ts'
import { listenerRates } from '../host/listener-rates.ts'
import { resetsOf } from '../host/machine-resets.ts'
import { narrowed } from '../host/narrow.ts'
import { narrowedEvents } from '../host/narrow-events.ts'
import { type HostSnapshot, type SnapshotAsk, snapshot } from '../host/snapshot.ts'
import { synDropsOf } from '../host/syn-drops.ts'
import { type SynRules, synRules } from '../host/syn-rules.ts'
import { eventWords } from '../messages/en/events.ts'
import { render } from '../messages/render.ts'
import { type KernelWatch, watchKernelEvents } from './kernel-events.ts'
import { nodeHost } from './node-host.ts'

export interface ObserveOptions {
  forMs: number
  ask: SnapshotAsk
  /** Only sockets of these processes, where they share their namespace with others. */
  only?: (pid: number) => boolean
  /** Runs meanwhile; the last look waits for it. */
  beside?: () => Promise<void>
  /** When it fires, watching ends and what was seen so far is used. */
  finish?: AbortSignal
  /** Milliseconds watched, and to be watched. */
  onProgress?: (done: number, total: number) => void
}

const PROGRESS_MS = 250

/** By what a host is looked at: as it is, or through something that records. */
export interface Observed {
  first: () => HostFiles
  last: () => HostFiles
  watch: () => KernelWatch
}

export function thisHost(host = nodeHost()): Observed {
  return { first: () => host, last: () => host, watch: watchKernelEvents }
}

/** Two looks at this host with the kernel's own events between them. Changes nothing; what cannot be seen is in `missing`. */
export async function observe(
  options: ObserveOptions,
  by: Observed = thisHost(),
): Promise<MachineFacts> {
  const events = by.watch()
  try {
    const { only } = options
    const ask = isPart(options.ask, only) ? { ...options.ask, addresses: true } : options.ask
    const first = firstLook(by.first(), ask)
    await Promise.all([wait(options), options.beside?.()])
    const told = events.stop()
    return factsOfLooks('host', ask, { first, last: by.last(), told }, only)
  } finally {
    events.stop()
  }
}

/** What rose in between is told by it; whose sockets they are, by the last one. */
export function firstLook(host: HostFiles, ask: SnapshotAsk): HostSnapshot {
  return snapshot(host, { ...ask, owners: 'none', brief: true })
}

/**
 * Looks for the last time, with the descriptors of processes that failed to get one meanwhile.
 * @param source  id of the host's entry in the report
 * @param only  which processes' sockets are meant, where they share their namespace with others
 */
export function factsOfLooks(
  source: string,
  ask: SnapshotAsk,
  { first, last: host, told }: { first: HostSnapshot | null; last: HostFiles; told: EventsFacts },
  only?: (pid: number) => boolean,
): MachineFacts {
  const isHere = only ?? (first === null ? () => true : placeOf(first, { ask, host }))
  const namespaces = first?.namespaces ?? []
  const partly = isPart(ask, only)
  const { ports } = ask
  const events = partly
    ? narrowedEvents(told, { namespaces, pid: isHere, ...(ports === undefined ? {} : { ports }) })
    : told
  const pids = events.events.flatMap(({ pid, kind }) => (isCall(kind) && pid !== null ? [pid] : []))
  const owners = only === undefined ? {} : { owners: () => true }
  const last = snapshot(host, { ...ask, ...owners, pids: [...(ask.pids ?? []), ...new Set(pids)] })
  return machineFacts(source, {
    first: first === null ? null : ofPlace(first, isHere),
    last: only === undefined ? ofPlace(last, isHere) : narrowed(last, only),
    events,
    told,
    rules: (told.counts.get('drop NETFILTER_DROP') ?? 0) > 0 ? synRules(host, last) : null,
  })
}

/** Trace events know no network namespace: what belongs to others must be told apart. */
function isPart({ ports, namespace }: SnapshotAsk, only: ObserveOptions['only']): boolean {
  return ports !== undefined || namespace !== undefined || only !== undefined
}

/** Whether a process is in the namespaces that were asked for; null: it has gone meanwhile. */
function placeOf(
  { namespaces }: HostSnapshot,
  { ask, host }: { ask: SnapshotAsk; host: HostFiles },
): (pid: number) => boolean | null {
  if (ask.namespace === undefined) return () => true
  const links = new Set(namespaces.map(({ id }) => `net:[${id}]`))
  return (pid) => {
    const link = readOrNull(host.link(`/proc/${pid}/ns/net`))
    return link === null ? null : links.has(link)
  }
}

function ofPlace(seen: HostSnapshot, isHere: (pid: number) => boolean | null): HostSnapshot {
  return { ...seen, openFiles: seen.openFiles.filter(({ pid }) => isHere(pid) === true) }
}

/** The facts of one host of two snapshots; `source` is the id of its entry in the report. */
export function machineFacts(
  source: string,
  {
    first,
    last,
    events,
    told = events,
    rules = null,
  }: {
    first: HostSnapshot | null
    last: HostSnapshot
    events: EventsFacts | null
    /** Of the whole host, where `events` are of a part of it. */
    told?: EventsFacts | null
    rules?: SynRules | null
  },
): MachineFacts {
  const seen = events === null || events.fromNs === null ? null : events
  return {
    source,
    name: last.host,
    release: last.release,
    before: first,
    after: last,
    forMs: first === null ? 0 : last.atMs - first.atMs,
    events: seen,
    resets:
      seen === null
        ? []
        : resetsOf(seen, { before: first?.namespaces ?? [], after: last.namespaces }),
    synDrops: synDropsOf(told),
    synRules: rules,
    listenerRates: listenerRates({ before: first, after: last, events: seen }),
    missing: [...last.missing, ...missingEvents(events)],
  }
}

function missingEvents(events: EventsFacts | null): MissingFact[] {
  return (events?.missing ?? []).map(({ what, why, adds, detail }) => ({
    what,
    why: render(eventWords.why[why], { detail }),
    adds: eventWords.adds[adds],
  }))
}

function isCall(kind: string): boolean {
  return kind.endsWith('-failed')
}

async function wait({ forMs, finish, onProgress }: ObserveOptions): Promise<void> {
  const from = performance.now()
  while (finish?.aborted !== true) {
    const done = performance.now() - from
    if (done >= forMs) break
    onProgress?.(done, forMs)
    await pause(Math.min(PROGRESS_MS, forMs - done), finish)
  }
}

function pause(ms: number, finish: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      finish?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    finish?.addEventListener('abort', done)
  })
}
