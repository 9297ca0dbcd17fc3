import type { Descriptors, KernelEvent, MachineFacts } from '../../evidence/machine.ts'
import { type Judgement, type Reason, reasonsOf, type Verdict } from '../cause.ts'
import { eventRef, groupBy, processOf, processRef, socketsIn } from './lookup.ts'

const say = reasonsOf('descriptor-exhaustion')

/** Of the limit: as near as this and rising is told before it happens. */
const NEAR = 0.9
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
  const process = machine.after.processes.find((p) => p.pid === pid)
  return process !== undefined && process.soft !== null && process.total >= process.soft
}

/** @see accept(2) EMFILE · Linux fs/file.c alloc_fd: EMFILE when no number below RLIMIT_NOFILE is free */
export function judgeDescriptors(machine: MachineFacts): Judgement {
  const failed = groupBy(failures(machine), (e) => String(e.pid))
  const pids = new Set([
    ...[...failed.keys()].filter((pid) => pid !== 'null').map(Number),
    ...machine.after.processes.filter((p) => fillOf(p) >= NEAR).map((p) => p.pid),
  ])
  const verdicts: Verdict[] = []
  for (const pid of pids) {
    const process = machine.after.processes.find((p) => p.pid === pid) ?? null
    const verdict = judgeOne(machine, pid, process, failed.get(String(pid)) ?? [])
    if (verdict !== null) verdicts.push(verdict)
  }
  return { verdicts }
}

function fillOf({ total, soft }: Descriptors): number {
  return soft === null || soft === 0 ? 0 : total / soft
}

function judgeOne(
  machine: MachineFacts,
  pid: number,
  process: Descriptors | null,
  events: readonly KernelEvent[],
): Verdict | null {
  const first = events[0]
  const command = process?.command ?? first?.command ?? '?'
  const because: Reason[] = []
  const against: Reason[] = []
  if (first !== undefined) {
    const call = first.kind.replace('-failed', '()')
    because.push(say('call-failed', { call, errno: first.reason ?? '' }, eventRef(machine, first)))
  }
  const full = process !== null && process.soft !== null && process.total >= process.soft
  if (process !== null && process.soft !== null) {
    const { total, soft } = process
    because.push(
      say(
        'descriptors',
        { total, soft },
        processRef(machine, pid, `${total} of ${soft} descriptors`),
      ),
    )
    because.push(
      say('kinds', { kinds: kindsText(process) }, processRef(machine, pid, 'descriptors by kind')),
    )
    const held = closeWaitOf(machine, pid)
    if (held > 0)
      because.push(
        say(
          'close-wait',
          { count: held },
          processRef(machine, pid, `${held} sockets in CLOSE-WAIT`),
        ),
      )
    const grown = growthOf(machine, process)
    if (grown > 0)
      because.push(
        say('growth', { by: grown, for: machine.forMs }, processRef(machine, pid, 'descriptors')),
      )
  }
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
      process: processOf({ pid, command, cgroup: process?.cgroup ?? null }),
      setting: 'RLIMIT_NOFILE',
    },
    because,
    against,
    values: {
      who: command,
      pid,
      total: process?.total ?? 0,
      soft: process?.soft ?? 0,
      hard: process?.hard ?? 'unlimited',
    },
    group: String(pid),
    machine: {
      source: machine.source,
      count: 1,
      of: machine.after.processes.length,
      what: 'processes',
      examples: [],
      server: null,
    },
  }
}

/** "1,003 sockets, 12 files, 4 pipes", most first. */
function kindsText({ byKind }: Descriptors): string {
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

function growthOf({ before }: MachineFacts, { pid, total }: Descriptors): number {
  const first = before?.processes.find((p) => p.pid === pid)
  return first === undefined ? 0 : total - first.total
}
