import type { ConnectionFacts, ResetFacts } from '../evidence/connection.ts'
import type { Evidence } from '../evidence/evidence.ts'
import type { ConnectExperiment } from '../evidence/experiments.ts'
import {
  atFrame,
  type Cause,
  connectionRef,
  frameOf,
  type Judgement,
  type Reason,
  reasonsOf,
  type Verdict,
} from './cause.ts'
import { dataAfterReset } from './closing.ts'
import { firstIcmp } from './icmp.ts'
import { listeningAt } from './machine/listening.ts'
import { acceptsBetween, refusalsOf, type Span } from './port-closed.ts'
import { type Effect, isTaken, weighConnects, withExperiments } from './weigh-experiments.ts'
import {
  fatesOf,
  foreignTtl,
  isAbsent,
  isProvenOfBox,
  isTranslatedAddress,
  provenFates,
  usualTtls,
} from './where.ts'

const say = reasonsOf('firewall-reject')

/** After a longer silence a middlebox that forgot the connection is the better explanation (conntrack's shortest: 60 s). */
const IDLE_MS = 10_000
/** A shorter silence is an idle limit only if there is a sharp one: longer ones died, all shorter ones live. */
const MIN_IDLE_MS = 2000
const SEVERAL = 2
const TURNS = 5

/** A filter refused the connect or cut the connection: RST or ICMP that the server did not make. */
export const firewallReject = {
  id: 'firewall-reject',
  needs: ['packets', 'both-sides', 'kernel'],
  refs: [
    'RFC 1812 §5.2.7.1',
    'Linux net/ipv4/netfilter/nf_reject_ipv4.c nf_send_reset',
    'Linux net/ipv4/tcp_ipv4.c tcp_v4_err',
  ],
  confusedWith: [
    'connect-filtered',
    'host-unreachable',
    'injected-reset',
    'middlebox-idle-timeout',
    'peer-restarted',
    'port-closed',
  ],
  judge,
} as const satisfies Cause

function judge(evidence: Evidence): Judgement {
  const cut = cutPerEndpoint(evidence)
  const own = ownRulePerEndpoint(evidence)
  const refusals = refusalsOf(evidence)
  const verdicts: Verdict[] = []
  for (const connection of evidence.connections) {
    const verdict =
      weigh(byIcmp(connection, evidence) ?? bySynReset(connection, evidence), evidence) ??
      dataByIcmp(connection, evidence) ??
      limitsNew(connection, evidence, refusals) ??
      established(connection, evidence, cut) ??
      byOwnRule(connection, evidence, own)
    if (verdict !== null) verdicts.push(verdict)
  }
  return { verdicts }
}

/** What was refused before any data: cuts within connections are nothing that `probe connect` sees. */
function weigh(verdict: Verdict | null, evidence: Evidence): Verdict | null {
  if (verdict === null) return null
  const found = weighConnects('firewall-reject', verdict.group, evidence, (experiment) => {
    return effectOf(experiment, verdict)
  })
  return withExperiments(verdict, found, evidence)
}

function effectOf(found: ConnectExperiment, { because, culprit }: Verdict): Effect | null {
  const { outcome, refusedBy, icmpFrom } = found
  if (isTaken(found) || outcome === 'filtered') return 'contradicts'
  const byIcmp = because.some(({ key }) => key.startsWith('icmp-'))
  if (byIcmp) {
    if (icmpFrom !== null) return icmpFrom === culprit.host ? 'confirms' : 'supports'
    return outcome === 'refused' ? null : outcome === 'unreachable' ? 'supports' : null
  }
  if (outcome !== 'refused' || icmpFrom !== null) return null
  if (refusedBy === 'host') return 'contradicts'
  if (refusedBy === null) return null // a closed port looks the same
  return because.some(({ key }) => key === 'foreign-ttl') ? 'confirms' : 'supports'
}

function byIcmp(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  if (connection.ending !== 'unreachable' && connection.ending !== 'unanswered') return null
  const found = firstIcmp(connection, ['prohibited', 'port'])
  if (found === null) return null
  const isProhibited = found.kind === 'prohibited'
  const said = isProhibited ? 'icmp-prohibited' : 'icmp-port'
  return rejectedByIcmp(connection, evidence, found.icmp, { said, weight: isProhibited ? 90 : 80 })
}

function rejectedByIcmp(
  connection: ConnectionFacts,
  evidence: Evidence,
  icmp: ConnectionFacts['icmp'][number],
  as: { said: 'icmp-prohibited' | 'icmp-port' | 'icmp-in-use'; weight: number },
): Verdict {
  const { said, weight } = as
  const named = icmp.from === connection.server.address
  const translated = named && isTranslatedAddress(icmp.from, evidence)
  const own = named && !translated
  const at = atFrame(icmp.frame, connection)
  const values = { from: icmp.from, meaning: icmp.meaning, code: icmp.code }
  return {
    connections: [connection],
    certainty: 'likely',
    severity: 'problem',
    weight,
    culprit: { side: own ? 'server' : 'middlebox', host: icmp.from },
    because: [
      say(said, values, at),
      ...(own ? [say('own-address', { from: icmp.from }, at)] : []),
      ...(translated ? [say('translated-address', { from: icmp.from }, at)] : []),
    ],
    against: [],
    values: {
      by: translated ? `a filter in or behind the box that translates ${icmp.from}` : icmp.from,
    },
    group: connection.server.endpoint,
  }
}

/** Accepted and refused by turns, all with the server's own TTL: a rule on the server that lets so many in and rejects the rest. */
function limitsNew(
  connection: ConnectionFacts,
  evidence: Evidence,
  refusals: ReadonlyMap<string, Span>,
): Verdict | null {
  if (connection.ending !== 'refused') return null
  const { endpoint, address } = connection.server
  const span = refusals.get(endpoint)
  const facts = evidence.endpoints.get(endpoint)
  if (span === undefined || !acceptsBetween(span, facts)) return null
  // One address before several servers: one of them is down.
  if (isTranslatedAddress(address, evidence)) return null
  // Less than that is a service that starts and stops.
  if ((facts?.byEnding.refused ?? 0) < TURNS || (facts?.established ?? 0) < SEVERAL) return null
  const reset = connection.resets.find((r) => r.from === 'server' && r.shape === 'syn-reply')
  if (reset === undefined) return null
  const at = frameOf(reset, connection)
  const values = { server: endpoint, served: facts?.established ?? 0, for: span.toMs - span.fromMs }
  return {
    connections: [connection],
    variant: 'own-rule',
    certainty: 'possible',
    severity: 'problem',
    weight: 50,
    culprit: { side: 'server', host: address },
    because: [
      say('syn-answered', { after: reset.afterTriggerMs ?? 0 }, at),
      say('accepts-between', values, connectionRef(connection)),
    ],
    against: [say('instances', {}, at)],
    group: endpoint,
  }
}

/** A rule for connections in use: their data and FINs are answered by ICMP, which leaves the client repeating them. */
function dataByIcmp(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  const found = firstIcmp(connection, ['prohibited', 'port'])
  if (found === null || connection.handshake.ackMs === null) return null
  if (connection.ending === 'clean') return null
  return rejectedByIcmp(connection, evidence, found.icmp, { said: 'icmp-in-use', weight: 88 })
}

function bySynReset(connection: ConnectionFacts, evidence: Evidence): Verdict | null {
  if (connection.ending !== 'refused') return null
  const reset = connection.resets.find((r) => r.from === 'server' && r.shape === 'syn-reply')
  if (reset === undefined) return null
  const fates = provenFates(connection, evidence)
  const byBox = isProvenOfBox(connection, evidence)
  const sent = fates.find((f) => f.kind === 'reset' && f.from === 'server')?.fate
  if (sent === 'delivered') return null
  const lost = fates.some((f) => f.kind === 'syn' && f.fate === 'lost')
  const proven = sent === 'injected' || lost
  const foreign = foreignTtl(reset.ttl, connection, 'server', evidence)
  const absent = isAbsent(connection, evidence) && foreign !== false
  const listening = listeningAt(evidence, connection.server)
  if (!proven && foreign !== true && !absent && listening === null) return null
  // Its own TCP refuses what nothing forwards, when the address is its own.
  const certain = (proven && !byBox) || listening?.refusedNobody === true
  const at = frameOf(reset, connection)
  const because = [say('syn-answered', { after: reset.afterTriggerMs ?? 0 }, at)]
  if (foreign === true) because.push(ttlReason(reset, connection, evidence))
  if (proven && byBox) because.push(say('refused-in-box', {}, at))
  else if (proven || absent) {
    because.push(say('never-sent', { server: connection.server.endpoint }, at))
  }
  if (listening !== null) {
    because.push(say('listens', { server: connection.server.endpoint }, listening.at))
    if (listening.refusedNobody) because.push(say('kernel-refused-nobody', {}, listening.at))
  }
  return {
    connections: [connection],
    ...(proven && byBox ? { variant: 'by-box' } : {}),
    certainty: certain ? 'confirmed' : 'likely',
    severity: 'problem',
    weight: certain || proven ? 95 : foreign === true || listening !== null ? 80 : 70,
    culprit: { side: 'middlebox' },
    because,
    against: proven
      ? byBox
        ? [say('box-itself', { server: connection.server.endpoint }, at)]
        : []
      : !absent
        ? []
        : [say('one-port', { port: connection.server.port }, connectionRef(connection))],
    values: { by: 'a filter on the way' },
    group: connection.server.endpoint,
  }
}

/** netfilter's reject answers one segment with the stateless shape; the segment itself goes no further. */
function established(connection: ConnectionFacts, evidence: Evidence, cut: Cut): Verdict | null {
  const reset = strangersReply(connection)
  if (reset === null || reset.trigger === null || dataAfterReset(connection, reset) !== null)
    return null
  if (foreignTtl(reset.ttl, connection, reset.from, evidence) === false) return null
  const fates = provenFates(connection, evidence)
  const byBox = isProvenOfBox(connection, evidence)
  const injected = fates.some(
    (f) => f.kind === 'reset' && f.from === reset.from && f.fate === 'injected',
  )
  const stopped = fates.some((f) => f.frame === reset.trigger?.frame && f.fate === 'lost')
  const passed = fates.some((f) => f.frame === reset.trigger?.frame && f.fate === 'delivered')
  if (passed) return null // let through and reset all the same: injected-reset
  const proven = injected && stopped
  const idle = reset.silenceBeforeMs >= IDLE_MS || cut.idle.has(connection.server.endpoint)
  const alike = cut.counts.get(connection.server.endpoint) ?? 1
  const at = frameOf(reset, connection)
  const because: Reason[] = [
    say('segment-answered', { after: reset.afterTriggerMs ?? 0, len: reset.trigger.len }, at),
    ttlReason(reset, connection, evidence),
  ]
  const against: Reason[] = []
  if (proven) {
    because.push(
      say(
        byBox ? 'stopped-in-box' : 'segment-stopped',
        {},
        atFrame(reset.trigger.frame, connection),
      ),
    )
  } else against.push(say('may-be-forged', {}, at))
  if (alike > 1) because.push(say('all-cut', { alike }, connectionRef(connection)))
  const quiet = reset.silenceBeforeMs >= MIN_IDLE_MS
  if (idle || (quiet && !proven)) {
    against.push(say('after-silence', { silence: reset.silenceBeforeMs }, at))
  }
  return {
    connections: [connection],
    ...(proven && byBox ? { variant: 'by-box' } : {}),
    certainty: idle
      ? 'possible'
      : proven
        ? 'confirmed'
        : alike > 1 && !quiet
          ? 'likely'
          : 'possible',
    severity: 'problem',
    weight: idle ? 40 : proven ? 92 : alike > 1 ? 66 : 50,
    culprit: { side: 'middlebox' },
    because,
    against,
    values: { by: 'a filter on the way' },
    group: connection.server.endpoint,
  }
}

/** Established connections cut by the server's own stateless reply, by endpoint; nobody is answered there any more. */
function ownRulePerEndpoint(evidence: Evidence): Map<string, number> {
  const counts = new Map<string, { count: number; firstMs: number }>()
  for (const connection of evidence.connections) {
    const reset = ownReply(connection, evidence)
    if (reset === null) continue
    const { endpoint } = connection.server
    const known = counts.get(endpoint) ?? { count: 0, firstMs: reset.tMs }
    counts.set(endpoint, { count: known.count + 1, firstMs: Math.min(known.firstMs, reset.tMs) })
  }
  return new Map(
    [...counts].flatMap(([endpoint, { count, firstMs }]) => {
      const answered = evidence.endpoints.get(endpoint)?.lastAnswerMs ?? 0
      return count >= SEVERAL && answered < firstMs ? [[endpoint, count] as const] : []
    }),
  )
}

function ownReply(connection: ConnectionFacts, evidence: Evidence): ResetFacts | null {
  if (connection.ending !== 'reset' || connection.sides.server.fin !== null) return null
  if (connection.sides.client.fin !== null || connection.sides.server.payloadOctets === 0)
    return null
  const reset = connection.resets.find((r) => r.accepted !== false)
  if (reset === undefined || reset.from !== 'server' || reset.shape !== 'stateless') return null
  if (reset.trigger === null || dataAfterReset(connection, reset) !== null) return null
  const own = foreignTtl(reset.ttl, connection, 'server', evidence) === false && !reset.ttlUnusual
  return own ? reset : null
}

/** A reject rule on the server itself: its reset is that of a server which no longer knows the connection, to the bit. */
function byOwnRule(
  connection: ConnectionFacts,
  evidence: Evidence,
  own: ReadonlyMap<string, number>,
): Verdict | null {
  const alike = own.get(connection.server.endpoint)
  const reset = alike === undefined ? null : ownReply(connection, evidence)
  if (alike === undefined || reset === null || reset.trigger === null) return null
  if (fatesOf(connection, evidence).some((f) => f.kind === 'reset' && f.fate === 'injected')) {
    return null
  }
  const at = frameOf(reset, connection)
  const { endpoint, address } = connection.server
  return {
    connections: [connection],
    variant: 'own-rule',
    certainty: 'possible',
    severity: 'problem',
    weight: 46,
    culprit: { side: 'server', host: address },
    because: [
      say('segment-answered', { after: reset.afterTriggerMs ?? 0, len: reset.trigger.len }, at),
      say('all-cut', { alike }, connectionRef(connection)),
      say('nobody-after', { server: endpoint }, connectionRef(connection)),
    ],
    against: [say('server-alike', { ttl: reset.ttl }, at)],
    values: { by: 'a filter on the server itself' },
    group: endpoint,
  }
}

/** The stateless reply with a TTL that its alleged sender does not have. */
function strangersReply(connection: ConnectionFacts): ResetFacts | null {
  if (connection.ending !== 'reset' && connection.ending !== 'handshake-reset') return null
  return (
    connection.resets.find(
      (r) => r.shape === 'stateless' && r.accepted !== false && r.trigger !== null && r.ttlUnusual,
    ) ?? null
  )
}

interface Cut {
  /** By endpoint: connections that a stranger's reset cut. */
  counts: ReadonlyMap<string, number>
  /** Endpoints where only silent connections were cut, and those less silent go on: no rule, a limit. */
  idle: ReadonlySet<string>
}

function cutPerEndpoint(evidence: Evidence): Cut {
  const counts = new Map<string, number>()
  const first = new Map<string, { silenceMs: number; atMs: number }>()
  for (const connection of evidence.connections) {
    const reset = strangersReply(connection)
    if (reset === null) continue
    const { endpoint } = connection.server
    const known = first.get(endpoint)
    first.set(endpoint, {
      silenceMs: Math.min(known?.silenceMs ?? Infinity, reset.silenceBeforeMs),
      atMs: Math.min(known?.atMs ?? Infinity, reset.tMs),
    })
    if (reset.silenceBeforeMs < IDLE_MS) counts.set(endpoint, (counts.get(endpoint) ?? 0) + 1)
  }
  const idle = new Set<string>()
  for (const [endpoint, { silenceMs, atMs }] of first) {
    const facts = evidence.endpoints.get(endpoint)
    const survived = facts?.survivedSilenceMs ?? 0
    const goesOn = (facts?.lastAnswerMs ?? 0) > atMs
    if (silenceMs >= MIN_IDLE_MS && survived > 0 && survived < silenceMs && goesOn) {
      idle.add(endpoint)
    }
  }
  return { counts, idle }
}

function ttlReason(reset: ResetFacts, connection: ConnectionFacts, evidence: Evidence): Reason {
  const usual = reset.ttlUsual ?? usualTtls(connection[reset.from].address, evidence)[0] ?? 0
  return say('foreign-ttl', { ttl: reset.ttl, usual }, frameOf(reset, connection))
}
