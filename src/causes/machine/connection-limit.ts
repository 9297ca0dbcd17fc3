import type {
  ConfiguredLimit,
  ListenerSnapshot,
  MachineFacts,
  NetnsSnapshot,
  ProcessSnapshot,
  ProgramFacts,
} from '../../evidence/machine.ts'
import { type Judgement, type Reason, reasonsOf, type Verdict } from '../cause.ts'
import { endpointText, processOf, processRef, serverEnd, settingRef, socketRef } from './lookup.ts'
import { onMachine } from './verdict.ts'

const say = reasonsOf('connection-limit')

/**
 * A program that has as many connections as its own configuration lets it have.
 * @see HAProxy doc/configuration.txt maxconn, src/listener.c listener_full; nginx core/ngx_connection.c ngx_get_connection;
 *   PostgreSQL postmaster/postmaster.c ProcessStartupPacket (CAC_TOOMANY), utils/init/postinit.c
 */
export function judgeLimits(machine: MachineFacts): Judgement {
  return { verdicts: machine.after.programs.flatMap((program) => judgeProgram(machine, program)) }
}

function judgeProgram(machine: MachineFacts, program: ProgramFacts): Verdict[] {
  if (program.command === 'haproxy') return judgeHaproxy(machine, program)
  if (program.command === 'nginx') return judgeNginx(machine, program)
  return program.command === 'postgres' ? judgePostgres(machine, program) : []
}

/** Counted a moment after another count, and with its own few. */
const SLACK = 2

/** More than a limit lets through shows that it is not in force: the file was changed since the program read it. */
function reaches(count: number, { value }: ConfiguredLimit, enough: number): boolean {
  return count >= enough && count <= value + SLACK
}

/** Listeners of a program, and the namespace that they are in. */
interface Serving {
  netns: NetnsSnapshot
  listeners: readonly ListenerSnapshot[]
}

function servingOf({ after }: MachineFacts, pids: readonly number[]): Serving[] {
  return after.namespaces.flatMap((netns) => {
    const listeners = netns.listeners.filter(({ inode }) =>
      after.owners.get(inode)?.some(({ pid }) => pids.includes(pid)),
    )
    return listeners.length === 0 ? [] : [{ netns, listeners }]
  })
}

/** Accepted connections of these listeners that a process still has. */
function takenBy({ netns, listeners }: Serving): number {
  const ports = new Set(listeners.map(({ local }) => local.port))
  return netns.sockets.filter(
    ({ state, inode, local }) => state !== 'LISTEN' && inode !== 0 && ports.has(local.port),
  ).length
}

/** At maxconn it takes its listeners out of its event loop: what waits then waits in the kernel's queue. */
function judgeHaproxy(machine: MachineFacts, program: ProgramFacts): Verdict[] {
  const all = servingOf(machine, [program.pid])
  return program.limits.flatMap((limit) => {
    const concerned = all.flatMap(({ netns, listeners }) => {
      const own = listeners.filter((l) => limit.ports?.includes(l.local.port) ?? true)
      return own.length === 0 ? [] : [{ netns, listeners: own }]
    })
    const count = concerned.reduce((sum, serving) => sum + takenBy(serving), 0)
    const [first] = concerned
    if (first === undefined || !reaches(count, limit, limit.value)) return []
    const waits = first.listeners.map((l) => l.waits)
    if (waits.every((wait) => wait === 'accept' || wait === 'epoll')) return []
    const stopped = first.listeners.find((l) => l.waits === 'none')
    const at = socketRef(machine, first.netns, stopped ?? first.listeners[0]!)
    const because = [
      say('holds', { count, limit: limit.value, setting: limit.setting }, at),
      ...(stopped === undefined ? [] : [say('stopped-accepting', { who: program.command }, at)]),
    ]
    return [
      verdictOf(machine, {
        ...{ program, limit, because, count, serving: first },
        certainty: stopped === undefined ? 'likely' : 'confirmed',
        variant: 'haproxy',
      }),
    ]
  })
}

/** Of its own sockets one to the master is no connection of a client's, and takes a place too. */
const CHANNELS = 1
/** So many free places at most: one that is wanted is made free by closing what is idle, or not at all. */
const FREE = 1
/** So many where its clients are seen to be closed unserved: each proxied request takes and frees two. */
const CROWDED = 0.9

/** Without a free connection a worker accepts and closes at once; listeners and connections to upstreams count too. */
function judgeNginx(machine: MachineFacts, program: ProgramFacts): Verdict[] {
  const [limit] = program.limits
  const pids = program.workers.map(({ pid }) => pid)
  const [serving] = servingOf(machine, pids)
  if (limit === undefined || serving === undefined) return []
  return pids.flatMap((pid) => {
    const worker = machine.after.processes.find((p) => p.pid === pid)
    if (worker === undefined) return []
    const count = worker.byKind.socket - worker.elsewhere + CHANNELS
    const closed = closings(machine, worker, serving)
    const enough = closed.length === 0 ? limit.value - FREE : limit.value * CROWDED
    const isFull = reaches(count, limit, enough)
    if (!isFull && !reaches(count, limit, limit.value - roomKept(limit))) return []
    const at = processRef(machine, pid, `${count} of ${limit.value} worker_connections`)
    const because = [
      say('worker-holds', { count, limit: limit.value, setting: limit.setting, pid }, at),
      ...closed,
      ...(isFull ? [] : [say('makes-room', { free: limit.value - count }, at)]),
    ]
    return [
      verdictOf(machine, {
        ...{ program, limit, because, count, serving },
        pid,
        certainty: 'likely',
        severity: isFull ? 'problem' : 'notice',
        variant: isFull ? 'nginx' : 'nginx-near',
      }),
    ]
  })
}

/**
 * With less than a sixteenth free it closes idle connections before their time, an eighth of them or 32 at once; so many are free
 * just after that.   @see nginx 1.22 core/ngx_connection.c ngx_drain_connections
 */
function roomKept({ value }: ConfiguredLimit): number {
  return Math.floor(value / 16) + Math.min(32, Math.floor(value / 8))
}

/** Clients whose connections it closed while they asked: their requests unread, or on their way. */
function closings(
  machine: MachineFacts,
  { pid }: ProcessSnapshot,
  { listeners }: Serving,
): Reason[] {
  const ports = new Set(listeners.map(({ local }) => local.port))
  const closed = machine.resets.filter(
    ({ causes: [cause], side, service }) =>
      side === 'local' &&
      ports.has(service.port) &&
      (cause === 'close-with-unread-data' || cause === 'data-after-close'),
  )
  const count = closed.reduce((sum, fact) => sum + fact.count, 0)
  if (count === 0) return []
  return [say('closed-unread', { count }, processRef(machine, pid, 'resets of its clients'))]
}

/** Sessions by Unix sockets count too, so its processes are counted, and its sockets where these cannot be told apart. */
function judgePostgres(machine: MachineFacts, program: ProgramFacts): Verdict[] {
  const [limit] = program.limits
  const { pid, sessions, reserved } = program
  const [serving] = servingOf(machine, [pid])
  if (limit === undefined || serving === undefined) return []
  const count = sessions?.length ?? takenBy(serving)
  if (!reaches(count, limit, limit.value - reserved)) return []
  const { setting, value } = limit
  const at = processRef(machine, pid, `${count} of ${value} sessions`)
  const because = [say('sessions', { count, limit: value, setting, reserved }, at)]
  if (sessions !== null) {
    const idle = sessions.filter(({ activity }) => activity === 'idle').length
    const open = sessions.filter(({ activity }) => activity === 'idle in transaction').length
    because.push(say('sessions-do', { idle, open, active: count - idle - open }, at))
  }
  const certainty = sessions === null ? 'likely' : 'confirmed'
  return [
    verdictOf(machine, {
      program,
      limit,
      because,
      count,
      serving,
      certainty,
      variant: 'postgresql',
    }),
  ]
}

function verdictOf(
  machine: MachineFacts,
  of: {
    program: ProgramFacts
    limit: ConfiguredLimit
    because: Reason[]
    count: number
    serving: Serving
    certainty: Verdict['certainty']
    severity?: Verdict['severity']
    variant: string
    pid?: number
  },
): Verdict {
  const { program, limit, because, count, serving, certainty, variant } = of
  const { setting, value, file, line } = limit
  const at = settingRef(machine, serving.netns, { name: setting, value: String(value) })
  const said =
    line === null
      ? say('limit-default', { setting, value }, at)
      : say('limit-configured', { setting, value, file: `${file}:${line}` }, at)
  const { local } = serving.listeners[0]!
  const pid = of.pid ?? program.pid
  return onMachine(machine, {
    certainty,
    severity: of.severity ?? 'problem',
    variant,
    side: 'server',
    process: processOf(machine, { ...program, pid }),
    setting,
    because: [...because, said],
    group: `${pid} ${setting}`,
    weight: 97,
    values: {
      server: endpointText(local),
      address: local.address,
      port: local.port,
      setting,
      limit: value,
      wanted: 2 * value,
    },
    subject: { count, what: 'sockets', server: serverEnd(local) },
  })
}

/** Whether a program holds as many connections as it may: then it does not accept, or closes what it accepts. */
export function isAtLimit(machine: MachineFacts, pid: number): boolean {
  return machine.after.programs.some(
    (program) =>
      program.command !== 'postgres' &&
      (program.pid === pid || program.workers.some((worker) => worker.pid === pid)) &&
      judgeProgram(machine, program).some(({ severity }) => severity === 'problem'),
  )
}
