import { formatEndpoint } from '../../src/base/addresses.ts'
import type { ConnectionFacts, Ending, Side, SideFacts } from '../../src/flow/facts.ts'
import { type OwnConnection, pairKey } from './own.ts'
import type { Label, Row, TcptraceConnection } from './tables.ts'

/** One field of one stream as a peer says it and as we say it. */
export interface Check {
  field: string
  peer: string
  ours: string
  agrees: boolean
}

type Pick = (side: SideFacts) => number

/** Our connection for each row of tshark: same addresses and ports, same first frame. */
export function pairTshark(
  rows: readonly Row[],
  own: readonly OwnConnection[],
): (OwnConnection | null)[] {
  const byStart = new Map<string, OwnConnection>()
  for (const connection of own) {
    const { client, server, firstFrame } = connection.facts
    byStart.set(`${pairKey(client.endpoint, server.endpoint)} ${firstFrame}`, connection)
  }
  return rows.map((row) => byStart.get(`${rowKey(row)} ${row['first_frame']}`) ?? null)
}

function rowKey(row: Row): string {
  return pairKey(peerClient(row), formatEndpoint(row['dst']!, Number(row['dport'])))
}

function peerClient(row: Row): string {
  return formatEndpoint(row['src']!, Number(row['sport']))
}

/** tshark's numbers of one stream beside ours. Where tshark only guesses who the client is, sides are matched by address. */
export function tsharkChecks(row: Row, { facts, plain }: OwnConnection): Check[] {
  const flipped = peerClient(row) !== facts.client.endpoint
  const c: Side = flipped ? 'server' : 'client'
  const s: Side = flipped ? 'client' : 'server'
  const { sides } = facts
  const both = (pick: Pick) => `${pick(sides[c])} ${pick(sides[s])}`
  const sum = (pick: Pick) => String(pick(sides[c]) + pick(sides[s]))
  const pair = (name: string) => `${row[`${name}_c2s`]} ${row[`${name}_s2c`]}`
  const total = (name: string) => Number(row[`${name}_c2s`]) + Number(row[`${name}_s2c`])
  const is = (field: string, peer: string, ours: string): Check => same(field, peer, ours)
  const number = (name: string) => row[name] ?? ''
  const kinds = (pick: (r: SideFacts['retransmissions']) => number): Pick => {
    return (side) => pick(side.retransmissions)
  }
  const checks = [
    is(
      'packets',
      pair('pkts'),
      both((side) => side.packets),
    ),
    is('octets', pair('bytes'), `${plain.octets[c]} ${plain.octets[s]}`),
    is(
      'distinct octets',
      `${plain.distinct[c]} ${plain.distinct[s]}`,
      both((d) => d.payloadOctets),
    ),
    is('retransmissions', number('retransmission'), sum(kinds(allKinds))),
    is('fast retransmissions', number('fast_retransmission'), sum(kinds((r) => r.fast))),
    is(
      'spurious retransmissions',
      number('spurious_retransmission'),
      sum(kinds((r) => r.spurious)),
    ),
    is(
      'out of order',
      number('out_of_order'),
      sum((side) => side.outOfOrder),
    ),
    is(
      'duplicate ACKs',
      number('duplicate_ack'),
      sum((side) => side.duplicateAcks),
    ),
    is('zero window seen', some(number('zero_window')), some(sum((side) => side.zeroWindow.times))),
    is(
      'zero-window probes',
      number('zero_window_probe'),
      sum((side) => side.zeroWindowProbes),
    ),
    is(
      'keepalives',
      number('keep_alive'),
      sum((side) => side.keepaliveProbes),
    ),
    is('SYNs', String(total('syn')), String(facts.handshake.syns)),
    is('SYN-ACKs', String(total('synack')), String(facts.handshake.synAcks)),
    is(
      'FINs',
      pair('fin'),
      both((side) => side.fins),
    ),
    is(
      'resets',
      pair('rst'),
      both((side) => side.resets),
    ),
    is('first frame', number('first_frame'), String(facts.firstFrame)),
    is('last frame', number('last_frame'), String(facts.lastFrame)),
    is('TTLs client', ttls(number('ttl_c2s')), ttls(sides[c].ttls.join(','))),
    is('TTLs server', ttls(number('ttl_s2c')), ttls(sides[s].ttls.join(','))),
  ]
  if (row['orient'] !== 'first') {
    checks.push(is('client', peerClient(row), facts.client.endpoint))
  }
  return checks
}

function allKinds(r: SideFacts['retransmissions']): number {
  return r.rto + r.fast + r.spurious + r.syn + r.synAck + r.fin
}

function some(count: string): string {
  return Number(count) > 0 ? 'yes' : 'no'
}

/** Sorted; hop limit 0 is "none", as for us 0 = not told. More than four are not kept by us. */
function ttls(list: string): string {
  const numbers = list.split(',').filter((ttl) => ttl !== '-' && ttl !== '' && ttl !== '0')
  return numbers.sort((a, b) => Number(a) - Number(b)).join(',')
}

function same(field: string, peer: string, ours: string): Check {
  return { field, peer, ours, agrees: peer === ours }
}

/** Our connection for each row of a conn.log: same addresses and ports, in order; partial logs may lack the ports. */
export function pairZeek(
  rows: readonly Row[],
  own: readonly OwnConnection[],
): (OwnConnection | null)[] {
  const left = [...own]
  return rows.map((row) => {
    const index = left.findIndex(({ facts }) => isZeekRow(row, facts))
    return index < 0 ? null : left.splice(index, 1)[0]!
  })
}

function isZeekRow(row: Row, facts: ConnectionFacts): boolean {
  if (row['proto'] !== undefined && row['proto'] !== 'tcp') return false
  const ends = [facts.client, facts.server]
  const matches = (orig: ConnectionFacts['client'], resp: ConnectionFacts['client']) =>
    fits(row['id.orig_h'], orig.address) &&
    fits(row['id.orig_p'], String(orig.port)) &&
    fits(row['id.resp_h'], resp.address) &&
    fits(row['id.resp_p'], String(resp.port))
  if (row['id.orig_h'] === undefined && row['id.resp_h'] === undefined) return false
  return matches(ends[0]!, ends[1]!) || matches(ends[1]!, ends[0]!)
}

function fits(wanted: string | undefined, have: string): boolean {
  return wanted === undefined || wanted === '' || wanted === have
}

/** What each of Zeek's states says in our words. The endings it cannot tell from that state are all accepted. */
const ZEEK_STATES: Record<string, readonly string[]> = {
  S0: ['unanswered', 'unreachable', 'open'],
  S1: ['open', 'timed-out', 'handshake-incomplete'],
  SF: ['clean'],
  REJ: ['refused'],
  S2: ['half-closed client', 'open', 'timed-out'],
  S3: ['half-closed server', 'open', 'timed-out'],
  RSTO: [
    'reset client',
    'reset-after-fin client',
    'reset-after-close client',
    'handshake-reset client',
  ],
  RSTR: [
    'reset server',
    'reset-after-fin server',
    'reset-after-close server',
    'handshake-reset server',
  ],
  RSTOS0: ['reset client', 'handshake-reset client'],
  RSTRH: ['reset server', 'handshake-reset server'],
  SH: ['open'],
  SHR: ['open', 'half-closed server', 'clean'],
  OTH: [
    'open',
    'timed-out',
    'half-closed',
    'clean',
    'reset',
    'reset-after-fin',
    'reset-after-close',
  ],
}

export function zeekChecks(row: Row, { facts }: OwnConnection): Check[] {
  const flipped =
    row['id.orig_h'] !== undefined &&
    row['id.orig_h'] !== '' &&
    (row['id.orig_h'] !== facts.client.address ||
      ((row['id.orig_p'] ?? '') !== '' && row['id.orig_p'] !== String(facts.client.port)))
  const orig: Side = flipped ? 'server' : 'client'
  const resp: Side = flipped ? 'client' : 'server'
  const checks: Check[] = []
  const state = row['conn_state']
  if (state !== undefined && state !== '-' && state !== '') {
    const by = facts.endedBy === null ? '' : ` ${facts.endedBy === orig ? 'client' : 'server'}`
    const accepted = ZEEK_STATES[state] ?? []
    const agrees = accepted.includes(facts.ending) || accepted.includes(`${facts.ending}${by}`)
    checks.push({ field: 'conn_state', peer: state, ours: `${facts.ending}${by}`, agrees })
  }
  const history = row['history']
  if (history !== undefined && history !== '-' && history !== '') {
    checks.push(
      ...historyChecks(history.replace('^', ''), facts.sides[orig], facts.sides[resp], facts),
    )
  }
  if (row['orig_pkts'] !== undefined && row['orig_pkts'] !== '-') {
    const ours = `${facts.sides[orig].packets} ${facts.sides[resp].packets}`
    checks.push(same('packets', `${row['orig_pkts']} ${row['resp_pkts']}`, ours))
  }
  return checks
}

/** Letters of Zeek's history: capital = originator. Each is compared as "seen or not". */
function historyChecks(
  history: string,
  orig: SideFacts,
  resp: SideFacts,
  facts: ConnectionFacts,
): Check[] {
  const seen = (letter: string) => (history.includes(letter) ? 'yes' : 'no')
  const letter = (name: string, isSeen: boolean) =>
    same(`history ${name}`, seen(name), isSeen ? 'yes' : 'no')
  const checks = [
    letter('h', facts.handshake.synAcks > 0),
    letter('D', orig.payloadOctets > 0),
    letter('d', resp.payloadOctets > 0),
    letter('F', orig.fins > 0),
    letter('f', resp.fins > 0),
    letter('R', orig.resets > 0),
    letter('r', resp.resets > 0),
    letter('W', orig.zeroWindow.times > 0),
    letter('w', resp.zeroWindow.times > 0),
  ]
  if (!history.includes('H')) checks.push(letter('S', facts.handshake.syns > 0))
  return checks
}

export interface ArkimeSession {
  key: string
  source: string
  sent: number
  received: number
}

/** Arkime's sessions on the same addresses and ports added up; those that only carry a link to another have no packets. */
export function joinArkime(sessions: readonly Record<string, unknown>[]): ArkimeSession[] {
  const joined = new Map<string, ArkimeSession>()
  for (const session of sessions) {
    const source = formatEndpoint(String(session['src']), Number(session['sport']))
    const target = formatEndpoint(String(session['dst']), Number(session['dport']))
    const [sent, received] = [Number(session['src_packets']), Number(session['dst_packets'])]
    if (sent + received === 0) continue
    const key = pairKey(source, target)
    const known = joined.get(key) ?? { key, source, sent: 0, received: 0 }
    joined.set(key, known)
    known.sent += known.source === source ? sent : received
    known.received += known.source === source ? received : sent
  }
  return [...joined.values()]
}

/** Packets of both directions; Arkime's source may be our server. */
export function arkimeCheck(session: ArkimeSession, { facts }: OwnConnection): Check {
  const { client, server } = facts.sides
  const [c, s] = session.source === facts.client.endpoint ? [client, server] : [server, client]
  return same('packets', `${session.sent} ${session.received}`, `${c.packets} ${s.packets}`)
}

export function tcptraceChecks(peer: TcptraceConnection, own: OwnConnection): Check[] {
  const flipped = peer.a !== own.facts.client.endpoint
  const { client, server } = own.facts.sides
  const [a, b] = flipped ? [server, client] : [client, server]
  const pair = (title: string) => `${peer.aToB[title]} ${peer.bToA[title]}`
  return [
    same('packets', pair('total packets'), `${a.packets} ${b.packets}`),
    same('unique octets', pair('unique bytes sent'), `${a.payloadOctets} ${b.payloadOctets}`),
  ]
}

/** The labels' words in ours: the README of the captures. */
const LABEL_ENDINGS: Record<string, readonly string[]> = {
  refused: ['refused'],
  'no-answer': ['unanswered', 'unreachable'],
  'client-reset': ['reset client', 'handshake-reset client'],
  'server-reset': ['reset server', 'handshake-reset server'],
  'reset-after-close': ['reset-after-fin', 'reset-after-close'],
  'clean-close': ['clean'],
  'half-closed-open': ['half-closed'],
  'timeout-retransmissions': ['timed-out'],
  'still-open': ['open'],
}

/** A label's "client" is the one tshark names, which may be our server. */
export function labelCheck(label: Label, row: Row, facts: ConnectionFacts): Check {
  const flipped = peerClient(row) !== facts.client.endpoint
  const by =
    facts.endedBy === null ? '' : (facts.endedBy === 'client') === flipped ? ' server' : ' client'
  const ending: Ending = facts.ending
  const accepted = [label.end, ...label.alsoAcceptable].flatMap((end) => LABEL_ENDINGS[end] ?? [])
  return {
    field: 'label',
    peer: [label.end, ...label.alsoAcceptable].join(' or '),
    ours: `${ending}${by}`,
    agrees: accepted.includes(ending) || accepted.includes(`${ending}${by}`),
  }
}
