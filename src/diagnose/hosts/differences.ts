import type { MachineFacts, NetnsSnapshot } from '../../evidence/machine.ts'
import type { ComparedHost, HostDifference } from './comparison.ts'

type Kind = HostDifference['kind']
/** By what is compared; a host that lacks it has no entry. */
type Values = ReadonlyMap<string, string | number>

const MAX_DIFFERENCES = 40
/** A count that is smaller, or differs by less, is no difference between hosts. */
const MIN_COUNT = 20
const MIN_RATIO = 3

/** What differs between hosts. Counts only where they part the sick from the healthy: they differ everywhere. */
export function differencesOf(hosts: readonly ComparedHost[]): HostDifference[] {
  const fixed = (kind: Kind, values: (machine: MachineFacts) => Values) =>
    compared(hosts, kind, values).filter(({ values: v }) => new Set(v.map(textOf)).size > 1)
  const counted = (kind: Kind, values: (machine: MachineFacts) => Values) =>
    compared(hosts, kind, values).filter((d) => d.separates && isFarApart(hosts, d))
  const all = [
    ...fixed('kernel', ({ release }) => new Map([['kernel', release]])),
    ...fixed('setting', settingsOf),
    ...fixed('listener', listenersOf),
    ...fixed('limit', limitsOf),
    ...counted('state', statesOf),
    ...counted('counter', countersOf),
  ]
  return all.sort((a, b) => Number(b.separates) - Number(a.separates)).slice(0, MAX_DIFFERENCES)
}

function textOf({ value }: { value: string }): string {
  return value
}

function compared(
  hosts: readonly ComparedHost[],
  kind: Kind,
  valuesOf: (machine: MachineFacts) => Values,
): HostDifference[] {
  const all = hosts.map((host) => ({ host, values: valuesOf(host.machine) }))
  const names = new Set(all.flatMap(({ values }) => [...values.keys()]))
  return [...names].flatMap((what) => {
    const values = all.map(({ host, values: own }) => ({ host, value: own.get(what) }))
    // What one host lacks cannot be compared: an older kernel, another program.
    if (values.some(({ value }) => value === undefined)) return []
    const told = values.map(({ host, value }) => ({ host: host.name, value: String(value) }))
    return [{ kind, what, values: told, separates: parts(hosts, told) }]
  })
}

function parts(hosts: readonly ComparedHost[], values: HostDifference['values']): boolean {
  const of = (sick: boolean) =>
    new Set(values.filter((_, i) => hosts[i]!.sick === sick).map(textOf))
  const ill = of(true)
  const well = of(false)
  return ill.size > 0 && well.size > 0 && [...ill].every((value) => !well.has(value))
}

/** Every sick host has at least three times as many as every healthy one, or the other way round. */
function isFarApart(hosts: readonly ComparedHost[], { values }: HostDifference): boolean {
  const of = (sick: boolean) =>
    values.filter((_, i) => hosts[i]!.sick === sick).map(({ value }) => Number(value))
  const above = (many: number[], few: number[]) => {
    const least = Math.min(...many)
    return least >= MIN_COUNT && least >= MIN_RATIO * Math.max(...few)
  }
  return above(of(true), of(false)) || above(of(false), of(true))
}

/** The namespace that the host's services run in: where it was looked from, or the only one that was asked for. */
function ownNamespace({ after }: MachineFacts): NetnsSnapshot | undefined {
  return after.namespaces.find(({ self }) => self) ?? after.namespaces[0]
}

/** Free memory and the like are no settings; these are sized by the machine's memory at boot and differ with it. */
const BY_MEMORY = new Set(['fs.file-max', 'net.ipv4.tcp_mem', 'net.ipv4.tcp_max_orphans'])

function settingsOf(machine: MachineFacts): Values {
  const own = ownNamespace(machine)?.settings.settings ?? new Map()
  const all = [...machine.after.hostSettings.settings.values(), ...own.values()]
  return new Map(
    all.filter(({ name }) => !BY_MEMORY.has(name)).map(({ name, value }) => [name, value]),
  )
}

function listenersOf({ after }: MachineFacts): Values {
  const limits = new Map<string, number>()
  for (const { listeners } of after.namespaces) {
    for (const { local, limit } of listeners) {
      // The same port is the same service; of several the smallest is what binds first.
      const what = `accept-queue limit of port ${local.port}`
      if (limit !== null) limits.set(what, Math.min(limit, limits.get(what) ?? limit))
    }
  }
  return limits
}

function limitsOf({ after }: MachineFacts): Values {
  const limits = new Map<string, number>()
  for (const { command, soft } of after.openFiles) {
    if (command === '' || soft === null) continue
    const what = `limit of open files of ${command}`
    limits.set(what, Math.min(soft, limits.get(what) ?? soft))
  }
  return limits
}

/** All states, so that none of one is zero and not unknown. */
const STATES = [
  'CLOSE-WAIT',
  'ESTABLISHED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'LAST-ACK',
  'SYN-RECEIVED',
  'SYN-SENT',
  'TIME-WAIT',
] as const

function statesOf({ after }: MachineFacts): Values {
  const counts = new Map<string, number>(STATES.map((state) => [state, 0]))
  for (const { sockets } of after.namespaces) {
    for (const { state } of sockets) {
      const known = counts.get(state)
      if (known !== undefined) counts.set(state, known + 1)
    }
  }
  return counts
}

/** How much each counter rose while the host was looked at, all namespaces together. */
function countersOf({ before, after }: MachineFacts): Values {
  const rose = new Map<string, number>()
  for (const netns of after.namespaces) {
    const first = before?.namespaces.find(({ id }) => id === netns.id)
    for (const [name, value] of netns.counters.counters) {
      const was = first?.counters.counters.get(name)
      if (was !== undefined && isTelling(name)) {
        rose.set(name, (rose.get(name) ?? 0) + Math.max(0, value - was))
      }
    }
  }
  return rose
}

/** Those that count trouble; traffic differs for better reasons. */
function isTelling(name: string): boolean {
  return /^Tcp(Ext)?.*(Reset|Rsts|Retrans|Overflow|Drop|Abort|Fail|Timeout|Prune|Full|Memory|SynLoss|Cookies|OfoQueue|ZeroWindow)/i.test(
    name,
  )
}
