// nftables 1.0, libnftables-json(5): what `nft -j list ruleset` prints.
import { listOr, objectOr, parseObject } from './bundle/json.ts'

/** A SYN, as far as rules may ask about it. */
export interface SynAsked {
  from: string
  to: string
  port: number
  /** It stays within one namespace; null: not known. */
  loopback: boolean | null
}

/** The rule, or the policy of a chain, that drops it. `sure`: nothing before it may let the SYN through, and all of it fits. */
export interface DroppedBy {
  /** "inet filter input handle 7", or "... policy". */
  rule: string
  sure: boolean
}

export type NftHook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting'

interface Chain {
  name: string
  hook: string | null
  priority: number
  policy: string | null
  rules: { handle: number; statements: readonly Record<string, unknown>[] }[]
}

const MAX_DEPTH = 8

/** @returns null: nothing there drops it, as far as the rules can be understood; 'unreadable': they are none */
export function droppedBy(
  json: string,
  syn: SynAsked,
  hooks: readonly NftHook[],
): DroppedBy | null | 'unreadable' {
  const parsed = parseObject(json)
  if (parsed === null || !Array.isArray(parsed['nftables'])) return 'unreadable'
  const chains = chainsOf(listOr(parsed['nftables']), syn)
  const bases = [...chains.values()]
    .filter(({ hook }) => hooks.some((wanted) => wanted === hook))
    .sort((a, b) => a.priority - b.priority)
  let perhaps: DroppedBy | null = null
  for (const base of bases) {
    const found = walk({ chains, syn }, base, 0)
    const dropped = found.is === 'drop' ? found.by : (found.perhaps ?? policyOf(base, found))
    if (dropped?.sure === true) return dropped
    perhaps ??= dropped
  }
  return perhaps
}

/** By family, table and name. Chains of bridges and ARP see no TCP connection of this host. */
function chainsOf(all: readonly unknown[], { to }: SynAsked): Map<string, Chain> {
  const families = ['inet', to.includes(':') ? 'ip6' : 'ip']
  const chains = new Map<string, Chain>()
  for (const one of all) {
    const chain = objectOr(objectOr(one)?.['chain'])
    if (chain === null || chain === undefined || !families.includes(String(chain['family'])))
      continue
    const { hook, prio, policy } = chain
    const name = `${chain['family']} ${chain['table']} ${chain['name']}`
    chains.set(name, {
      name,
      hook: typeof hook === 'string' ? hook : null,
      priority: typeof prio === 'number' ? prio : 0,
      policy: typeof policy === 'string' ? policy : null,
      rules: [],
    })
  }
  for (const one of all) {
    const rule = objectOr(objectOr(one)?.['rule'])
    if (rule === null || rule === undefined) continue
    const chain = chains.get(`${rule['family']} ${rule['table']} ${rule['chain']}`)
    const statements = listOr(rule['expr']).map((s) => objectOr(s) ?? { unknown: null })
    chain?.rules.push({ handle: Number(rule['handle']), statements })
  }
  return chains
}

interface On {
  chains: ReadonlyMap<string, Chain>
  syn: SynAsked
}

/** `let`: it goes through for good; `mayLet`: a rule that is not understood may have let it through, or jumped away. */
type Walked =
  | { is: 'drop'; by: DroppedBy }
  | { is: 'let' | 'end'; mayLet: boolean; perhaps: DroppedBy | null }

function walk(on: On, chain: Chain, depth: number): Walked {
  let mayLet = false
  let perhaps: DroppedBy | null = null
  for (const { handle, statements } of chain.rules) {
    const fits = matches(statements, on.syn)
    if (fits === false) continue
    const verdict = verdictOf(statements)
    if (verdict === null) continue
    const by = { rule: `${chain.name} handle ${handle}`, sure: fits === true && !mayLet }
    if (verdict.is === 'drop') {
      if (by.sure) return { is: 'drop', by }
      perhaps ??= by
      if (fits === true) return { is: 'end', mayLet: true, perhaps }
    } else if (verdict.is === 'jump') {
      const inner = on.chains.get(`${chain.name.split(' ').slice(0, 2).join(' ')} ${verdict.to}`)
      if (inner === undefined || depth >= MAX_DEPTH) mayLet = true
      else {
        const found = walk(on, inner, depth + 1)
        const dropped = found.is === 'drop' ? found.by : found.perhaps
        if (dropped !== null) {
          const sure = dropped.sure && fits === true && !mayLet
          if (sure) return { is: 'drop', by: dropped }
          perhaps ??= { ...dropped, sure: false }
        }
        if (found.is === 'let' && fits === true) return { is: 'let', mayLet, perhaps }
        if (found.is === 'drop' || found.is === 'let' || found.mayLet) mayLet = true
        if (verdict.goes && fits === true) return { is: 'end', mayLet, perhaps }
      }
    } else if (fits === true) {
      const is = verdict.is === 'return' ? 'end' : 'let'
      return { is, mayLet, perhaps }
    } else mayLet = true
  }
  return { is: 'end', mayLet, perhaps }
}

function policyOf({ policy, name }: Chain, walked: Walked): DroppedBy | null {
  if (policy !== 'drop' || walked.is !== 'end') return null
  return { rule: `${name} policy`, sure: !walked.mayLet }
}

type Verdict = { is: 'drop' | 'accept' | 'return' } | { is: 'jump'; to: string; goes: boolean }

/** What it does to a packet; null: it only counts, logs or marks. */
function verdictOf(statements: readonly Record<string, unknown>[]): Verdict | null {
  for (const statement of statements) {
    if ('drop' in statement) return { is: 'drop' }
    if ('return' in statement) return { is: 'return' }
    if ('accept' in statement || 'reject' in statement || 'queue' in statement)
      return { is: 'accept' }
    for (const how of ['jump', 'goto'] as const) {
      const to = objectOr(statement[how])?.['target']
      if (how in statement) return { is: 'jump', to: String(to), goes: how === 'goto' }
    }
    // Verdict maps and what iptables brings along decide too, and are not understood.
    if ('vmap' in statement || 'xt' in statement || 'unknown' in statement) return { is: 'accept' }
  }
  return null
}

const HARMLESS = ['counter', 'log', 'mangle', 'comment', 'notrack', 'meter']
const VERDICTS = ['drop', 'accept', 'return', 'jump', 'goto', 'reject', 'queue']

/** null: cannot tell. */
function matches(statements: readonly Record<string, unknown>[], syn: SynAsked): boolean | null {
  let all: boolean | null = true
  for (const statement of statements) {
    const [kind = ''] = Object.keys(statement)
    if (HARMLESS.includes(kind) || VERDICTS.includes(kind)) continue
    const fits = kind === 'match' ? matchOf(objectOr(statement['match']) ?? {}, syn) : null
    if (fits === false) return false
    if (fits === null) all = null
  }
  return all
}

function matchOf(match: Record<string, unknown>, syn: SynAsked): boolean | null {
  const { op, left, right } = match
  if (op !== '==' && op !== 'in' && op !== '!=') return null
  const is = isOf(objectOr(left) ?? {}, right, syn)
  return is === null ? null : op === '!=' ? !is : is
}

/** Of a SYN, what the left side is, held against the right one. */
function isOf(left: Record<string, unknown>, right: unknown, syn: SynAsked): boolean | null {
  const payload = objectOr(left['payload'])
  if (payload !== null && payload !== undefined) {
    const { protocol, field } = payload
    if ((protocol === 'tcp' || protocol === 'th') && field === 'dport')
      return holds(right, syn.port)
    if (protocol === 'udp' || protocol === 'icmp' || protocol === 'icmpv6') return false
    if (protocol === 'ip' || protocol === 'ip6') {
      if ((protocol === 'ip6') !== syn.to.includes(':')) return false
      if (field === 'daddr') return holds(right, syn.to)
      if (field === 'saddr') return holds(right, syn.from)
      if (field === 'protocol' || field === 'nexthdr') return holds(right, 'tcp')
    }
    return null
  }
  const meta = objectOr(left['meta'])?.['key']
  if (meta === 'l4proto') return holds(right, 'tcp')
  if (meta === 'nfproto') return holds(right, syn.to.includes(':') ? 'ipv6' : 'ipv4')
  if (meta === 'iifname' || meta === 'oifname' || meta === 'iif' || meta === 'oif') {
    if (syn.loopback === null) return null
    return syn.loopback ? holds(right, 'lo') : right === 'lo' ? false : null
  }
  if (objectOr(left['ct'])?.['key'] === 'state') {
    const states = Array.isArray(right) ? right : (listOr(objectOr(right)?.['set']) as unknown[])
    const named = states.length > 0 ? states : [right]
    if (named.includes('new')) return true
    return named.every((s) => s === 'established' || s === 'related') ? false : null
  }
  return null
}

/** A value, a range, a network, or a set of these; null: a named set, or another form. */
function holds(right: unknown, value: number | string): boolean | null {
  if (typeof right === 'number') return right === value
  if (typeof right === 'string') return right.startsWith('@') ? null : right === value
  const form = objectOr(right)
  if (form === null || form === undefined) return null
  if (Array.isArray(form['set'])) {
    const each = (form['set'] as unknown[]).map((one) => holds(one, value))
    return each.includes(true) ? true : each.includes(null) ? null : false
  }
  if (Array.isArray(form['range']) && typeof value === 'number') {
    const [first, last] = form['range'] as unknown[]
    if (typeof first !== 'number' || typeof last !== 'number') return null
    return first <= value && value <= last
  }
  const { addr, len } = objectOr(form['prefix']) ?? {}
  if (typeof addr === 'string' && typeof len === 'number' && typeof value === 'string') {
    return withinIpv4(value, addr, len)
  }
  return null
}

function withinIpv4(address: string, network: string, length: number): boolean | null {
  const [a, b] = [ipv4(address), ipv4(network)]
  if (a === null || b === null) return null
  const shift = 32 - length
  return shift >= 32 ? true : a >>> shift === b >>> shift
}

function ipv4(text: string): number | null {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return null
  return text.split('.').reduce((sum, part) => ((sum << 8) | Number(part)) >>> 0, 0)
}
