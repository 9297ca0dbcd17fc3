import { type HostFiles, type HostRead, whyUnreadable } from './host-files.ts'
import { type DroppedBy, droppedBy, type NftHook } from './nft-rules.ts'
import type { HostSnapshot, NetnsSnapshot } from './snapshot.ts'

/** What the rules of this host say of a SYN that a socket of it repeats in vain. */
export interface SynRule extends DroppedBy {
  /** Of the client, "10.0.0.2 80": where it wants to go. */
  client: number
  to: string
  /** Whose rules they are. */
  netns: number
}

export interface SynRules {
  rules: readonly SynRule[]
  /** Why rules could not be read, in words; null: those that were asked for were. */
  unread: string | null
}

/** Rules are long, and each namespace has its own. */
const MAX_ASKED = 20
const MAX_NAMESPACES = 8
const REPEATED = 2

/** Reads the rules of namespaces from which SYNs are repeated, and of those they are sent to; of no others. */
export function synRules(host: HostFiles, { namespaces }: HostSnapshot): SynRules {
  const rules: SynRule[] = []
  const known = new Map<number, HostRead<string>>()
  let unread: string | null = null
  const ask = (netns: NetnsSnapshot) => {
    const before = known.get(netns.id)
    if (before !== undefined || known.size >= MAX_NAMESPACES) return before ?? null
    const read = rulesIn(host, netns)
    known.set(netns.id, read)
    if (read.is !== 'read') unread ??= whyUnreadable(read)
    return read
  }
  for (const { netns, syn, to } of asked(namespaces)) {
    const server = ownerOf(namespaces, netns, syn.to)
    const loopback = server === null ? null : server.id === netns.id
    const places: [NetnsSnapshot, NftHook[]][] = [[netns, ['output', 'postrouting']]]
    if (server !== null) places.push([server, ['prerouting', 'input']])
    for (const [where, hooks] of places) {
      const read = ask(where)
      if (read?.is !== 'read') continue
      const found = droppedBy(read.value, { ...syn, loopback }, hooks)
      if (found === 'unreadable') unread ??= 'nft: no rules that can be understood'
      else if (found !== null) rules.push({ ...found, client: netns.id, to, netns: where.id })
    }
  }
  return { rules, unread }
}

function asked(namespaces: readonly NetnsSnapshot[]) {
  const all = new Map<
    string,
    { netns: NetnsSnapshot; to: string; syn: { from: string; to: string; port: number } }
  >()
  for (const netns of namespaces) {
    for (const { state, retransmits, local, remote } of netns.sockets) {
      if (state !== 'SYN-SENT' || retransmits < REPEATED) continue
      const syn = { from: plain(local.address), to: plain(remote.address), port: remote.port }
      const to = `${syn.to} ${syn.port}`
      all.set(`${netns.id} ${to}`, { netns, to, syn })
    }
  }
  return [...all.values()].slice(0, MAX_ASKED)
}

/** The namespace that has the address: the client's own before others. */
function ownerOf(
  namespaces: readonly NetnsSnapshot[],
  client: NetnsSnapshot,
  address: string,
): NetnsSnapshot | null {
  const has = (netns: NetnsSnapshot) =>
    netns.addresses.includes(address) ||
    netns.listeners.some(({ local }) => plain(local.address) === address) ||
    netns.sockets.some(({ local }) => plain(local.address) === address)
  if (isLoopback(address) || has(client)) return client
  const others = namespaces.filter(has)
  return others.length === 1 ? others[0]! : null
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}

function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '')
}

function rulesIn(host: HostFiles, { self, name, pids }: NetnsSnapshot): HostRead<string> {
  if (self) return host.nft()
  const [pid] = pids
  const path = pid === undefined ? `/run/netns/${name}` : `/proc/${pid}/ns/net`
  const within = host.inNamespace(path, (inside) => inside.nft())
  return within.is === 'read' ? within.value : within
}
