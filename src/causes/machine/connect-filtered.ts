import { groupBy } from '../../base/group-by.ts'
import type { MachineFacts, SynRule } from '../../evidence/machine.ts'
import { type Judgement, type Reason, reasonsOf, type Verdict } from '../cause.ts'
import {
  endpointText,
  netnsName,
  ownerOf,
  processOf,
  type SocketAt,
  socketRef,
  socketsIn,
} from './lookup.ts'
import { onMachine, socketsOf } from './verdict.ts'

const say = reasonsOf('connect-filtered')

const REPEATED = 2

/** SYN-SENT with repeated SYNs: from here a filter, a full accept queue and a dead host look alike. */
export function judgeSynSent(machine: MachineFacts): Judgement {
  const waiting = [...socketsIn(machine, 'SYN-SENT')].filter(
    ({ socket }) => socket.retransmits >= REPEATED,
  )
  const groups = groupBy(
    waiting.filter((at) => !isFullHere(machine, at)),
    ({ socket }) => endpointText(socket.remote),
  )
  return { verdicts: [...groups].map(([server, members]) => judgeGroup(machine, server, members)) }
}

/** The listener is on this host, and its full queue says why. */
function isFullHere({ after }: MachineFacts, { netns, socket }: SocketAt): boolean {
  return [netns, ...after.namespaces].some((n) =>
    n.listeners.some(
      (l) => l.local.port === socket.remote.port && l.limit !== null && l.depth > l.limit,
    ),
  )
}

function judgeGroup(machine: MachineFacts, server: string, members: readonly SocketAt[]): Verdict {
  const worst = members.reduce((a, b) => (b.socket.retransmits > a.socket.retransmits ? b : a))
  const { netns, socket } = worst
  const owner = ownerOf(machine, socket.inode)
  const at = socketRef(machine, netns, socket)
  const open = netns.sockets.filter(
    (s) => s.state === 'ESTABLISHED' && endpointText(s.remote) === server,
  )
  const filter = ownFilter(machine, members)
  const others: Reason[] =
    open.length > 0 ? [say('others-open', { count: open.length, server }, at)] : []
  const values = {
    server,
    host: socket.remote.address,
    address: socket.remote.address,
    port: socket.remote.port,
    client: socket.local.address,
  }
  const shared = {
    severity: 'problem',
    group: server,
    subject: socketsOf(members, socket.remote, 'connects'),
  } as const
  const sent = say('syn-sent', { count: members.length, times: socket.retransmits + 1, server }, at)
  const rule = ruleFor(machine, worst)
  const certainty = certaintyOf(filter, rule)
  if (certainty !== null) {
    const { dropped = 0, repeats = 0, drops = 0 } = filter.is === 'here' ? filter : {}
    const moments =
      filter.is === 'here' ? [say('own-drop', { times: dropped, of: repeats, drops }, at)] : []
    return onMachine(machine, {
      ...shared,
      certainty,
      side: isHere(machine, socket) ? 'server' : 'client',
      setting: rule === null ? 'netfilter rules (nft, iptables)' : `nft rule: ${rule.rule}`,
      variant: 'own-filter',
      because: [sent, ...moments, ...(rule === null ? [] : [ruleReason(machine, rule, at)])],
      against: [
        ...(rule?.sure === true ? [] : [say('no-address', {}, at)]),
        ...(moments.length > 0 ? [] : [say('moments-unknown', {}, at)]),
        ...others,
      ],
      values: { ...values, host: machine.name },
    })
  }
  return onMachine(machine, {
    ...shared,
    certainty: 'possible',
    side: 'network',
    process: owner === null ? null : processOf(machine, owner),
    because: [
      sent,
      ...(filter.is === 'elsewhere' ? [say('not-own', { times: filter.untouched }, at)] : []),
    ],
    against: [
      say('looks-alike', {}, at),
      ...(filter.is === 'unknown' ? [say('own-unknown', {}, at)] : []),
      ...others,
    ],
    values,
  })
}

/**
 * Moments and a rule that fits together settle it; each alone makes it likely. Where nothing was dropped when the SYNs were
 * repeated, no rule is the reason.
 */
function certaintyOf(filter: Filter, rule: SynRule | null): 'confirmed' | 'likely' | null {
  if (filter.is === 'elsewhere') return null
  if (filter.is === 'here') return rule?.sure === true ? 'confirmed' : 'likely'
  return rule?.sure === true ? 'likely' : null
}

/** The rule of this host that drops a SYN like this one; a certain one before one that may. */
function ruleFor({ synRules }: MachineFacts, { netns, socket }: SocketAt): SynRule | null {
  const to = `${plainAddress(socket.remote.address)} ${socket.remote.port}`
  const own = (synRules?.rules ?? []).filter((r) => r.client === netns.id && r.to === to)
  return own.find(({ sure }) => sure) ?? own[0] ?? null
}

function ruleReason({ after }: MachineFacts, rule: SynRule, at: Reason['at']): Reason {
  const netns = after.namespaces.find(({ id }) => id === rule.netns)
  const where = netns === undefined ? '?' : netnsName(netns)
  return say(rule.sure ? 'own-rule' : 'own-rule-perhaps', { rule: rule.rule, where }, at)
}

type Filter =
  | { is: 'here'; dropped: number; repeats: number; drops: number }
  | { is: 'elsewhere'; untouched: number }
  | { is: 'unknown' }

/**
 * Timers of a second or two go off together at every eighth tick, 32 ms at 250 ticks a second: what timers send meets more often than
 * by chance alone. @see Linux kernel/time/timer.c LVL_CLK_SHIFT
 */
const TOGETHER_S = 0.032
/** So seldom may chance alone bring drops into the very moments in which SYNs were repeated. */
const BY_CHANCE = 0.001
/** One moment is none. */
const LEAST = 2

/** Whether netfilter on this host dropped the SYNs: each repeat has its drop in the same moment, or none has. */
function ownFilter({ synDrops }: MachineFacts, members: readonly SocketAt[]): Filter {
  if (synDrops === null) return { is: 'unknown' }
  const { bySocket, drops, seconds } = synDrops
  const sum = { repeats: 0, dropped: 0, untouched: 0 }
  for (const { socket } of members) {
    const found = bySocket.get(endsKey(socket))
    sum.repeats += found?.repeats ?? 0
    sum.dropped += found?.dropped ?? 0
    sum.untouched += found?.untouched ?? 0
  }
  const { repeats, dropped, untouched } = sum
  if (untouched > 0 && dropped === 0) return { is: 'elsewhere', untouched }
  const sure = dropped >= LEAST && untouched === 0 && dropped > repeats / 2
  // Of what else a filter drops, one more than was seen.
  const byChance = Math.min(1, ((drops - dropped + 1) / seconds) * TOGETHER_S)
  if (!sure || byChance ** dropped > BY_CHANCE) return { is: 'unknown' }
  return { is: 'here', dropped, repeats, drops }
}

function endsKey({ local, remote }: SocketAt['socket']): string {
  return `${plainAddress(local.address)} ${local.port} ${plainAddress(remote.address)} ${remote.port}`
}

/** Somebody on this host listens there, or has the address. */
function isHere({ after }: MachineFacts, { remote }: SocketAt['socket']): boolean {
  const address = plainAddress(remote.address)
  return after.namespaces.some(
    ({ sockets, listeners, addresses }) =>
      addresses.includes(address) ||
      listeners.some(({ local }) => plainAddress(local.address) === address) ||
      sockets.some(({ local }) => plainAddress(local.address) === address),
  )
}

function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '')
}
