import type { ListenerSnapshot, MachineFacts, NetnsSnapshot } from '../../evidence/machine.ts'
import { type Judgement, type Reason, reasonsOf, type Verdict } from '../cause.ts'
import { heldUpBy } from './held-up.ts'
import {
  acceptorOf,
  counterRef,
  endpointText,
  isFull,
  listenerBefore,
  processOf,
  processRef,
  type Rise,
  refusedBy,
  riseOf,
  serverEnd,
  settingOf,
  settingRef,
  socketRef,
} from './lookup.ts'

const say = reasonsOf('accept-queue-overflow')

interface Seen {
  machine: MachineFacts
  netns: NetnsSnapshot
  listener: ListenerSnapshot
  /** Above its limit at one of the looks: the next SYN is dropped. */
  full: boolean
  /** SYNs and ACKs that it refused meanwhile; null: the kernel does not tell. */
  drops: number | null
  /** The same since it listens. */
  dropsBefore: number | null
  overflows: Rise | null
}

/**
 * A listener that is over its limit, or that refused while we looked.
 * @see Linux net/ipv4/tcp_input.c tcp_conn_request, include/net/sock.h sk_acceptq_is_full
 */
export function judgeListeners(machine: MachineFacts): Judgement {
  const verdicts: Verdict[] = []
  for (const netns of machine.after.namespaces) {
    const overflows = riseOf(machine, netns, 'TcpExtListenOverflows')
    const seen = netns.listeners.map((listener) => look(machine, netns, listener, overflows))
    const suspects = seen.filter((s) => s.full || (s.drops ?? 0) > 0)
    for (const suspect of suspects) verdicts.push(judgeOne(suspect, suspects.length))
    for (const s of seen) {
      const past = suspects.includes(s) ? null : judgePast(s)
      if (past !== null) verdicts.push(past)
    }
  }
  return { verdicts: verdicts.filter((v) => v.because.length > 0) }
}

function look(
  machine: MachineFacts,
  netns: NetnsSnapshot,
  listener: ListenerSnapshot,
  overflows: Rise | null,
): Seen {
  const first = listenerBefore(machine, netns, listener)
  const { meanwhile, total } = refusedBy(machine, netns, listener)
  return {
    machine,
    netns,
    listener,
    full: isFull(listener) || (first !== null && isFull(first)),
    drops: meanwhile,
    dropsBefore: total,
    overflows,
  }
}

function judgeOne(seen: Seen, suspects: number): Verdict {
  const { machine, netns, listener, full, drops, overflows } = seen
  const at = socketRef(machine, netns, listener)
  const rose = overflows !== null && overflows.by > 0
  const own = drops !== null && drops > 0
  const because: Reason[] = []
  const against: Reason[] = []
  const { depth, limit } = listener
  if (full) because.push(say('queue-full', { depth, limit: limit ?? 0 }, at))
  if (own) because.push(say('listener-dropped', { drops, for: machine.forMs }, at))
  if (rose)
    because.push(say('overflows-rose', { by: overflows.by }, counterRef(machine, netns, overflows)))
  if (own && overflows !== null && !rose) {
    against.push(say('no-overflows', {}, counterRef(machine, netns, overflows)))
  }
  if (full && drops === 0) against.push(say('nobody-refused', { for: machine.forMs }, at))
  because.push(...becauseOfHolders(seen))
  const abort = settingOf(machine, netns, 'net.ipv4.tcp_abort_on_overflow')
  if (abort !== null) {
    const key = abort === '1' ? 'abort-on' : 'abort-off'
    because.push(
      say(
        key,
        {},
        settingRef(machine, netns, { name: 'net.ipv4.tcp_abort_on_overflow', value: abort }),
      ),
    )
  }
  // Overflows are counted for the whole namespace: they are this listener's if it was full, or alone in refusing.
  const mine = rose && (full || (own && suspects === 1))
  const passed = momentOf(seen, abort === '1')
  if (passed !== null)
    against.push(
      say('moment', { accepted: passed.by, drops: drops ?? 0 }, counterRef(machine, netns, passed)),
    )
  return {
    ...about(seen),
    ...(abort === '1' ? { variant: 'reset' } : rose || full ? { variant: 'syn-dropped' } : {}),
    certainty: mine && (own || drops === null) ? 'confirmed' : full || mine ? 'likely' : 'possible',
    severity: passed === null ? 'problem' : 'notice',
    weight: mine ? 95 : 70,
    because,
    against,
    machine: subjectOf(seen, own ? drops : rose ? overflows.by : depth),
  }
}

/** So few connects that waited a second longer, and so small a part of all, are a burst and no trouble. */
const FEW = 3
const SMALL_PART = 0.01

/** How many were accepted beside the few that were not, where there was room at both looks; null: it is no passing moment. */
function momentOf({ machine, netns, full, drops }: Seen, reset: boolean): Rise | null {
  const accepted = riseOf(machine, netns, 'TcpPassiveOpens')
  if (full || reset || drops === null || drops === 0 || accepted === null) return null
  return drops <= FEW && drops <= accepted.by * SMALL_PART ? accepted : null
}

/** Whether anybody still takes connections from it, and who says how long its queue is. */
function becauseOfHolders({ machine, netns, listener }: Seen): Reason[] {
  const { holders, setting } = listener
  const because: Reason[] = []
  const [first] = holders
  const halted = holders.find((h) => h.stopped === true)
  if (halted !== undefined) {
    const { pid, command } = halted
    const at = processRef(machine, pid, 'State: T')
    because.push(say('stopped', { who: command, pid }, at))
  }
  if (first !== undefined && listener.waits === 'none') {
    const at = processRef(machine, first.pid, 'neither in accept() nor watched by epoll')
    because.push(say('nobody-waits', { count: holders.length }, at))
  }
  if (setting !== null && setting.value !== null) {
    const { setting: name, value, from, file, line } = setting
    const at = settingRef(machine, netns, { name, value: String(value) })
    if (!setting.fits)
      because.push(say('backlog-not-in-force', { name, value, limit: listener.limit ?? 0 }, at))
    else if (from === 'default') because.push(say('backlog-default', { name, value }, at))
    else because.push(say('backlog-configured', { name, value, file: `${file}:${line}` }, at))
  }
  return because
}

/** What happened before we looked, and does not now. */
function judgePast(seen: Seen): Verdict | null {
  const { machine, netns, listener, dropsBefore: drops } = seen
  if (drops === null || drops === 0) return null
  const at = socketRef(machine, netns, listener)
  const overflows = netns.counters.counters.get('TcpExtListenOverflows') ?? null
  if (overflows === 0) return null
  // Then another listener may have overflowed that is gone now, and this one have had health checks only.
  const resets = (netns.counters.counters.get('TcpExtEmbryonicRsts') ?? 0) >= (listener.drops ?? 0)
  return {
    ...about(seen),
    certainty: overflows === null || resets ? 'possible' : 'likely',
    severity: 'notice',
    weight: 40,
    because: [say('dropped-before', { drops, for: machine.forMs }, at)],
    against: resets ? [say('perhaps-resets', {}, at)] : [],
    machine: subjectOf(seen, drops),
    variant: 'past',
  }
}

function subjectOf({ machine, listener }: Seen, count: number): NonNullable<Verdict['machine']> {
  return {
    source: machine.source,
    count,
    of: count,
    what: 'connects',
    examples: [`${endpointText(listener.local)} > *`],
    server: serverEnd(listener.local),
  }
}

function about({ machine, netns, listener }: Seen) {
  const owner = acceptorOf(machine, listener)
  const process = owner === null ? null : processOf(machine, owner)
  const somaxconn = settingOf(machine, netns, 'net.core.somaxconn')
  const byListener = somaxconn !== null && (listener.limit ?? 0) < Number(somaxconn)
  const own = listener.setting?.setting ?? 'backlog of listen()'
  const setting = byListener ? own : 'net.core.somaxconn'
  const server = endpointText(listener.local)
  return {
    connections: [],
    culprit: {
      side: 'server',
      host: machine.name,
      ...(process === null ? {} : { process }),
      setting,
    },
    values: {
      server,
      address: listener.local.address,
      port: listener.local.port,
      who: process === null ? machine.name : process.command,
      pid: process?.pid ?? 'PID',
      limit: listener.limit ?? 0,
      somaxconn: somaxconn ?? 'not known',
      wanted: Math.max(511, 4 * (listener.limit ?? 128)),
      setting,
    },
    group: server,
    ...(process === null ? {} : heldUpBy(machine, process.pid)),
  } as const
}
