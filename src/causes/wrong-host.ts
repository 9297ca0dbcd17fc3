import { groupBy } from '../base/group-by.ts'
import type { ConnectionFacts, ResetFacts, Side } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import {
  atFrame,
  type Cause,
  frameOf,
  type Judgement,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { fateOfReset, servesOthers, usualTtls } from './where.ts'

const say = reasonsOf('wrong-host')

/** Another machine answers under the same address and does not know the connection. */
export const wrongHost = {
  id: 'wrong-host',
  needs: ['packets', 'both-sides'],
  refs: ['RFC 9293 §3.5.1', 'RFC 5227 (IPv4 address conflict detection)'],
  confusedWith: ['injected-reset', 'middlebox-idle-timeout', 'peer-restarted'],
  judge,
} as const satisfies Cause

/** So many connections, if both machines are equally far away and only the initial TTL differs. */
const NEAR_MANY = 3

interface Stranger {
  connection: ConnectionFacts
  side: Side
  reset: ResetFacts
  changedFrame: number | null
}

function judge(evidence: Evidence): Judgement {
  const groups = groupBy(
    evidence.connections.flatMap((c) => asStranger(c, evidence) ?? []),
    ({ connection, side }) => connection[side].address,
  )
  return { verdicts: [...groups.values()].map((group) => judgeAddress(group, evidence)) }
}

/** A reset of a side whose habits had changed before it, or whose TTL is that of the address's other machine. */
function asStranger(connection: ConnectionFacts, evidence: Evidence): Stranger | null {
  if (connection.ending !== 'reset' && connection.ending !== 'reset-after-fin') return null
  const reset = connection.resets.find((r) => r.accepted !== false && r.shape === 'stateless')
  if (reset === undefined || reset.trigger === null) return null
  const side = reset.from
  // The server that is captured did not send it: a forger's, unless its sender serves others under the address.
  const injected = fateOfReset(connection, evidence, side)?.fate === 'injected'
  if (injected && !(side === 'server' && servesOthers(reset.ttl, connection, evidence))) return null
  const changed = connection.sides[side].changedHabitsFrame
  if (changed !== null && changed < reset.frame) {
    return { connection, side, reset, changedFrame: changed }
  }
  if (!reset.ttlUnusual || reset.ttlUsual === null) return null
  const others = usualTtls(connection[side].address, evidence)
  if (!others.includes(reset.ttl)) return null
  return { connection, side, reset, changedFrame: null }
}

/** Two initial TTLs of one machine (64 and 255, say) arrive with the same number of hops taken off. */
function sameDistance(a: number, b: number): boolean {
  return hops(a) === hops(b)
}

function hops(ttl: number): number {
  return (ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255) - ttl
}

function judgeAddress(group: Stranger[], evidence: Evidence): Verdict {
  const first = group[0]!
  const { connection, reset, side } = first
  const { address } = connection[side]
  const at = frameOf(reset, connection)
  const because: Reason[] = []
  for (const s of group.slice(0, 3)) {
    if (s.changedFrame === null) continue
    because.push(say('habits-changed', { host: address }, atFrame(s.changedFrame, s.connection)))
  }
  if (because.length === 0) {
    const ttls = usualTtls(address, evidence).join(', ')
    because.push(say('second-ttl', { host: address, ttls, ttl: reset.ttl }, at))
  }
  if (fateOfReset(connection, evidence, side)?.fate === 'injected') {
    because.push(say('not-the-captured', { host: address }, at))
  }
  because.push(say('unknown-to-it', { times: group.length }, at))
  const against: Reason[] = []
  if (group.length === 1) against.push(say('only-one', {}, at))
  const clients = new Set(group.map((s) => s.connection.client.address)).size
  if (clients > 1) because.push(say('several-clients', { clients }, at))
  // One machine may have two initial TTLs: one for its sockets' packets, one for its kernel's resets.
  const near = first.changedFrame === null && sameDistance(reset.ttl, reset.ttlUsual ?? reset.ttl)
  if (near) against.push(say('same-distance', { ttl: reset.ttl }, at))
  const enough = near ? NEAR_MANY : 2
  const likely = group.length >= enough || first.changedFrame !== null
  return {
    connections: group.map((s) => s.connection),
    certainty: likely ? 'likely' : 'possible',
    severity: 'problem',
    weight: likely ? 76 : near ? 44 : 50,
    culprit: { side: 'network', host: address },
    because,
    against,
    values: { address },
    group: address,
  }
}
