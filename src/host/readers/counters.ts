// Linux net/ipv4/proc.c, net/ipv6/proc.c, net/core/net-procfs.c, v6.18.
import type { CounterFacts } from '../facts.ts'
import { type HostFiles, readOrNull } from '../host-files.ts'
import { canRead, type HostAsk, type HostFault, netFolder, textOr } from '../reader.ts'
import { decimal, hexadecimal, linesOf, wordsOf } from '../text.ts'

/** In the files among the sums, but they are settings or what is now. */
const GAUGES = new Set([
  'IpForwarding',
  'IpDefaultTTL',
  'TcpRtoAlgorithm',
  'TcpRtoMin',
  'TcpRtoMax',
  'TcpMaxConn',
  'TcpCurrEstab',
])

/** Columns of softnet_stat that are sums; one line a processor, hexadecimal. Of the host, not of the namespace. */
const SOFTNET = [
  [0, 'processed'],
  [1, 'dropped'],
  [2, 'time_squeeze'],
  [9, 'received_rps'],
  [10, 'flow_limit_count'],
] as const

export const counters = {
  id: 'counters',

  canRun: (host: HostFiles, ask: HostAsk) => canRead(host, [`${netFolder(ask)}/snmp`]),

  /**
   * Names as nstat spells them: TcpOutRsts, TcpExtListenOverflows, Ip6InReceives; gauges of sockstat as "TCP.inuse",
   * "TCP6.inuse"; "softnet.dropped" is of the whole host.
   */
  read(host: HostFiles, ask: HostAsk): CounterFacts {
    const folder = netFolder(ask)
    const faults: HostFault[] = []
    const facts = { counters: new Map<string, number>(), gauges: new Map<string, number>(), faults }
    for (const name of ['snmp', 'netstat']) {
      const path = `${folder}/${name}`
      addTables(textOr(host.text(path), faults), path, facts)
    }
    addPairs(textOr(host.text(`${folder}/snmp6`), faults), facts)
    addSockstat(textOr(host.text(`${folder}/sockstat`), faults), facts)
    // Not there when IPv6 is off, which is no fault.
    addSockstat(readOrNull(host.text(`${folder}/sockstat6`)) ?? '', facts)
    addSoftnet(textOr(host.text(`${folder}/softnet_stat`), faults), facts)
    return facts
  },
}

/**
 * What was counted between two readings, only what rose. A sum that fell was begun anew (another namespace, a
 * 32-bit kernel that wrapped): it is in `restarted` and not in `rose`.
 */
export function counterDeltas(
  before: CounterFacts,
  after: CounterFacts,
): { rose: Map<string, number>; restarted: string[] } {
  const rose = new Map<string, number>()
  const restarted: string[] = []
  for (const [name, value] of after.counters) {
    const was = before.counters.get(name)
    if (was === undefined || value === was) continue
    if (value > was) rose.set(name, value - was)
    else restarted.push(name)
  }
  return { rose, restarted }
}

interface Sums {
  counters: Map<string, number>
  gauges: Map<string, number>
  faults: HostFault[]
}

/** "Tcp: A B" and "Tcp: 1 2", in turn. */
function addTables(text: string, path: string, to: Sums): void {
  const lines = linesOf(text)
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [title = '', ...names] = wordsOf(lines[i]!)
    const [again = '', ...values] = wordsOf(lines[i + 1]!)
    if (title !== again || !title.endsWith(':')) {
      to.faults.push({ path, what: `${path}: line ${i + 2} does not belong to the line above it` })
      return
    }
    for (const [at, name] of names.entries()) add(title.slice(0, -1) + name, values[at], to)
  }
}

function addPairs(text: string, to: Sums): void {
  for (const line of linesOf(text)) {
    const [name = '', value] = wordsOf(line)
    add(name, value, to)
  }
}

/** "TCP: inuse 1 orphan 0" */
function addSockstat(text: string, to: Sums): void {
  for (const line of linesOf(text)) {
    const [title = '', ...words] = wordsOf(line)
    for (let i = 0; i + 1 < words.length; i += 2) {
      const value = decimal(words[i + 1])
      if (value !== null) to.gauges.set(`${title.replace(/:$/, '')}.${words[i]}`, value)
    }
  }
}

function addSoftnet(text: string, to: Sums): void {
  for (const line of linesOf(text)) {
    const words = wordsOf(line)
    for (const [column, name] of SOFTNET) {
      const value = hexadecimal(words[column])
      const key = `softnet.${name}`
      if (value !== null) to.counters.set(key, (to.counters.get(key) ?? 0) + value)
    }
  }
}

function add(name: string, word: string | undefined, to: Sums): void {
  const value = decimal(word)
  if (name === '' || value === null) return
  const map = GAUGES.has(name) ? to.gauges : to.counters
  map.set(name, value)
}
