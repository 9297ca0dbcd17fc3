import { groupBy } from '../../base/group-by.ts'
import type {
  KernelEvent,
  MachineFacts,
  OpenFiles,
  ProcessSnapshot,
} from '../../evidence/machine.ts'
import { type Judgement, type Reason, reasonsOf, type Verdict } from '../cause.ts'
import { endpointText, eventRef, processOf, processRef, socketsIn } from './lookup.ts'
import { askedOf } from './whom.ts'

const say = reasonsOf('descriptor-exhaustion')

/** Of the limit: as near as this and rising is told before it happens. */
const NEAR = 0.9
const MAX_PEERS = 3
const FAILED: ReadonlySet<KernelEvent['kind']> = new Set([
  'accept-failed',
  'connect-failed',
  'socket-failed',
])

/** Calls that failed for want of a descriptor: EMFILE the process's limit, ENFILE the host's. */
function failures({ events }: MachineFacts): KernelEvent[] {
  return (events?.events ?? []).filter(
    (e) => FAILED.has(e.kind) && (e.reason === 'EMFILE' || e.reason === 'ENFILE'),
  )
}

/** The process has no descriptor left, as far as its table or a failed call shows. */
export function isStarved(machine: MachineFacts, pid: number): boolean {
  if (failures(machine).some((e) => e.pid === pid)) return true
  const files = machine.after.openFiles.find((p) => p.pid === pid)
  return files !== undefined && fillOf(files) >= 1
}

/** @see accept(2) EMFILE · Linux fs/file.c alloc_fd: EMFILE when no number below RLIMIT_NOFILE is free */
export function judgeDescriptors(machine: MachineFacts): Judgement {
  const failed = groupBy(failures(machine), (e) => String(e.pid))
  const pids = new Set([
    ...[...failed.keys()].filter((pid) => pid !== 'null').map(Number),
    ...machine.after.openFiles.filter((p) => fillOf(p) >= NEAR).map((p) => p.pid),
  ])
  const verdicts: Verdict[] = []
  for (const pid of pids) {
    const verdict = judgeOne(machine, pid, failed.get(String(pid)) ?? [])
    if (verdict !== null) verdicts.push(verdict)
  }
  return { verdicts }
}

function fillOf({ open, soft }: OpenFiles): number {
  return soft === null || soft === 0 ? 0 : open / soft
}

function judgeOne(
  machine: MachineFacts,
  pid: number,
  events: readonly KernelEvent[],
): Verdict | null {
  const files = machine.after.openFiles.find((p) => p.pid === pid) ?? null
  const process = machine.after.processes.find((p) => p.pid === pid) ?? null
  const first = events[0]
  const command = files?.command ?? process?.command ?? first?.command ?? '?'
  const because: Reason[] = []
  const against: Reason[] = []
  if (first !== undefined) {
    const call = first.kind.replace('-failed', '()')
    because.push(say('call-failed', { call, errno: first.reason ?? '' }, eventRef(machine, first)))
  }
  const full = files !== null && fillOf(files) >= 1
  because.push(...becauseOfTable(machine, files, process))
  if (first === undefined && machine.events === null)
    against.push(say('no-events', {}, processRef(machine, pid, 'kernel events')))
  if (because.length === 0) return null
  const exhausted = first !== undefined || full
  return {
    connections: [],
    ...(exhausted ? {} : { variant: 'near' }),
    // A failed call names its reason beyond doubt; a full table alone says that the next call will fail.
    certainty: first !== undefined ? 'confirmed' : full ? 'likely' : 'possible',
    severity: exhausted ? 'problem' : 'notice',
    weight: exhausted ? 95 : 50,
    culprit: {
      side: 'server',
      host: machine.name,
      process: processOf(machine, { pid, command, cgroup: process?.cgroup ?? null }),
      setting: 'RLIMIT_NOFILE',
    },
    because,
    against,
    values: {
      who: command,
      pid,
      total: files?.open ?? process?.total ?? 0,
      soft: files?.soft ?? process?.soft ?? 0,
      hard: files?.hard ?? process?.hard ?? 'unlimited',
      ...askedOf(machine, pid),
    },
    group: String(pid),
    machine: {
      source: machine.source,
      count: 1,
      of: Math.max(1, machine.after.openFiles.length),
      what: 'processes',
      examples: [],
      server: null,
    },
  }
}

/** What its descriptors are, and how many more they became. */
function becauseOfTable(
  machine: MachineFacts,
  files: OpenFiles | null,
  process: ProcessSnapshot | null,
): Reason[] {
  const because: Reason[] = []
  if (files !== null && files.soft !== null) {
    const { pid, open, soft } = files
    const at = processRef(machine, pid, `${open} of ${soft} descriptors`)
    because.push(say('descriptors', { total: open, soft }, at))
    const grown = growthOf(machine, files)
    if (grown > 0) because.push(say('growth', { by: grown, for: machine.forMs }, at))
  }
  if (process === null) return because
  const kinds = processRef(machine, process.pid, 'descriptors by kind')
  because.push(say('kinds', { kinds: kindsText(process) }, kinds))
  const peers = process.peers.slice(0, MAX_PEERS).map(peerText).join(', ')
  if (peers !== '') because.push(say('peers', { peers }, kinds))
  const held = closeWaitOf(machine, process.pid)
  if (held > 0) because.push(say('close-wait', { count: held }, kinds))
  return because
}

/** "36 with clients of its port 8083", "120 with 10.0.0.9:3306". */
function peerText({ peer, served, sockets }: ProcessSnapshot['peers'][number]): string {
  return served === null
    ? `${sockets} with ${endpointText(peer)}`
    : `${sockets} with ${peer.address} at its port ${served}`
}

/** "1,003 sockets, 12 files, 4 pipes", most first. */
function kindsText({ byKind }: ProcessSnapshot): string {
  return Object.entries(byKind)
    .filter(([, n]) => n > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([kind, n]) => `${n} ${kind}`)
    .join(', ')
}

function closeWaitOf(machine: MachineFacts, pid: number): number {
  let count = 0
  for (const { socket } of socketsIn(machine, 'CLOSE-WAIT')) {
    if (machine.after.owners.get(socket.inode)?.some((o) => o.pid === pid)) count++
  }
  return count
}

function growthOf({ before }: MachineFacts, { pid, open }: OpenFiles): number {
  const first = before?.openFiles.find((p) => p.pid === pid)
  return first === undefined ? 0 : open - first.open
}
