import { groupBy } from '../base/group-by.ts'
import { endpointText, netnsName } from '../causes/machine/lookup.ts'
import type { MachineFacts, NetnsSnapshot, SocketFact } from '../evidence/machine.ts'
import { settingWords } from '../messages/en/settings.ts'
import { render } from '../messages/render.ts'
import type { HostSummary } from './report.ts'

// The settings that decide how connections live and die, and what each does on this host. Formulas: Linux net/ipv4/tcp_timer.c,
// tcp_minisocks.c, tcp_input.c (tcp_conn_request), Documentation/networking/ip-sysctl.rst, nf_conntrack-sysctl.rst.

type EffectId = keyof typeof settingWords.effects
type Effect = readonly [EffectId, Record<string, string | number>?]

/** Namespaces that have a setting, and all that its effect hangs on, alike. */
interface Here {
  machine: MachineFacts
  namespaces: readonly NetnsSnapshot[]
  /** The first number of the setting itself, and of another one; null: not told. */
  value: number
  of: (name: string) => number | null
  numbers: readonly number[]
}

interface Told {
  /** Other settings that its effect hangs on. */
  with?: readonly string[]
  effect: (here: Here) => Effect
}

const V4 = 'net.ipv4.'
const KEEPALIVE = ['time', 'intvl', 'probes'].map((part) => `${V4}tcp_keepalive_${part}`)
const CONNTRACK = 'net.netfilter.nf_conntrack_'
const TIMEOUT = `${CONNTRACK}tcp_timeout_`

const SETTINGS: Readonly<Record<string, Told>> = {
  [`${V4}tcp_keepalive_time`]: { with: KEEPALIVE, effect: keepaliveTime },
  [`${V4}tcp_keepalive_intvl`]: {
    effect: ({ value }) => ['keepalive-intvl', { intvl: value }],
  },
  [`${V4}tcp_keepalive_probes`]: {
    effect: ({ value }) => ['keepalive-probes', { probes: value }],
  },
  [`${V4}tcp_fin_timeout`]: {
    effect: (here) => ['fin-timeout', { for: here.value, now: inState(here, 'FIN-WAIT-2') }],
  },
  [`${V4}tcp_syncookies`]: {
    effect: ({ value }) =>
      byValue(value, ['syncookies-never', 'syncookies-full', 'syncookies-always']),
  },
  [`${V4}tcp_abort_on_overflow`]: {
    effect: ({ value }) => byValue(value, ['overflow-drop', 'overflow-reset']),
  },
  'net.core.somaxconn': { effect: somaxconn },
  [`${V4}tcp_max_syn_backlog`]: { with: [`${V4}tcp_syncookies`], effect: synBacklog },
  [`${V4}tcp_tw_reuse`]: { with: [`${V4}tcp_timestamps`], effect: twReuse },
  [`${V4}tcp_max_tw_buckets`]: {
    effect: (here) => ['tw-buckets', { limit: here.value, now: inState(here, 'TIME-WAIT') }],
  },
  [`${V4}tcp_max_orphans`]: { effect: orphans },
  // tcp_orphan_retries(): 0 means 8.
  [`${V4}tcp_orphan_retries`]: {
    effect: ({ value }) => ['orphan-retries', { times: value === 0 ? 8 : value }],
  },
  [`${V4}tcp_mem`]: { effect: tcpMem },
  [`${V4}tcp_retries2`]: {
    effect: ({ value }) => ['retries2', { for: backoffMs(value, 200, 0) }],
  },
  [`${V4}tcp_syn_retries`]: {
    with: [`${V4}tcp_syn_linear_timeouts`],
    effect: ({ value, of }) => [
      'syn-retries',
      { for: backoffMs(value, 1000, of(`${V4}tcp_syn_linear_timeouts`) ?? 0) },
    ],
  },
  [`${V4}tcp_synack_retries`]: {
    effect: ({ value }) => ['synack-retries', { for: backoffMs(value, 1000, 0) }],
  },
  [`${V4}tcp_mtu_probing`]: {
    effect: ({ value }) => byValue(value, ['mtu-never', 'mtu-hole', 'mtu-always']),
  },
  [`${V4}ip_local_port_range`]: { effect: portRange },
  [`${CONNTRACK}max`]: { effect: conntrackMax },
  [`${TIMEOUT}established`]: {
    with: [`${V4}tcp_keepalive_time`],
    effect: (here) => tracked(here, () => established(here)),
  },
  [`${TIMEOUT}time_wait`]: timeout('conntrack-time-wait'),
  [`${TIMEOUT}close_wait`]: timeout('conntrack-close-wait'),
  [`${TIMEOUT}fin_wait`]: timeout('conntrack-fin-wait'),
  [`${TIMEOUT}max_retrans`]: timeout('conntrack-max-retrans'),
  [`${TIMEOUT}unacknowledged`]: timeout('conntrack-unacknowledged'),
  [`${CONNTRACK}tcp_loose`]: {
    effect: (here) =>
      tracked(here, () => [here.value === 0 ? 'conntrack-strict' : 'conntrack-loose']),
  },
}

/** Each setting that could be read, with its effect here; an entry for each value where namespaces differ, at most so many. */
export function settingsOf(machine: MachineFacts): HostSummary['settings'] {
  return Object.keys(SETTINGS).flatMap((name) => entriesOf(machine, name).slice(0, MAX_ENTRIES))
}

const MAX_ENTRIES = 10
const MAX_NAMED = 5

function entriesOf(machine: MachineFacts, name: string): HostSummary['settings'][number][] {
  const { namespaces, hostSettings } = machine.after
  const whole = hostSettings.settings.get(name)
  if (whole !== undefined) return [entryOf(machine, name, namespaces, null)]
  const told = namespaces.filter((netns) => netns.settings.settings.has(name))
  const names = [name, ...(SETTINGS[name]!.with ?? [])]
  const groups = groupBy(told, (netns) =>
    names.map((one) => netns.settings.settings.get(one)?.value ?? '?').join('\n'),
  )
  return [...groups.values()].map((alike) =>
    entryOf(machine, name, alike, alike.slice(0, MAX_NAMED).map(netnsName)),
  )
}

function entryOf(
  machine: MachineFacts,
  name: string,
  namespaces: readonly NetnsSnapshot[],
  netns: readonly string[] | null,
): HostSummary['settings'][number] {
  const find = (one: string) =>
    machine.after.hostSettings.settings.get(one) ?? namespaces[0]?.settings.settings.get(one)
  const { value = '', numbers = [] } = find(name) ?? {}
  const of = (one: string) => find(one)?.numbers[0] ?? null
  const [first] = numbers
  const [id, values = {}]: Effect =
    first === undefined
      ? ['unclear']
      : SETTINGS[name]!.effect({ machine, namespaces, value: first, of, numbers })
  return {
    name,
    value: value.split(/\s+/).join(' '),
    netns: netns === null ? null : [...netns],
    namespaces: namespaces.length,
    effect: render(settingWords.effects[id], values),
  }
}

function byValue(value: number, effects: readonly EffectId[]): Effect {
  return [effects[value] ?? 'unclear']
}

function inState({ namespaces }: Here, state: SocketFact['state']): number {
  return namespaces.reduce(
    (sum, { sockets }) => sum + sockets.filter((s) => s.state === state).length,
    0,
  )
}

function keepaliveTime({ namespaces, of }: Here): Effect {
  const [time, intvl, probes] = KEEPALIVE.map(of)
  if (time == null || intvl == null || probes == null) return ['unclear']
  const open = namespaces.flatMap(({ sockets }) => sockets.filter((s) => s.state === 'ESTABLISHED'))
  return [
    'keepalive-time',
    {
      after: (time + intvl * probes) * 1000,
      time,
      intvl,
      probes,
      on: open.filter(({ timer }) => timer?.kind === 'keepalive').length,
      of: open.length,
    },
  ]
}

function somaxconn({ namespaces, value: limit }: Here): Effect {
  const all = namespaces.flatMap(({ listeners }) => listeners)
  const counts = { limit, at: all.filter((l) => l.limit === limit).length, of: all.length }
  const cut = all.find(
    (l) =>
      l.setting?.from === 'configuration' && (l.setting.value ?? 0) > limit && l.limit === limit,
  )
  if (cut === undefined) return ['somaxconn', counts]
  const who = cut.holders[0]?.command ?? '?'
  const asks = cut.setting?.value ?? '?'
  return ['somaxconn-cuts', { ...counts, who, asks, listener: endpointText(cut.local) }]
}

/** From 4.4 on (tcp_conn_request): without cookies, the last quarter is for peers that tcp_metrics knows. */
function synBacklog({ machine, value, of }: Here): Effect {
  const [major = 0, minor = 0] = machine.release.split('.').map((part) => Number.parseInt(part, 10))
  const isOld = !(major > 4 || (major === 4 && minor >= 4))
  if (isOld) return ['syn-backlog-old']
  if (of(`${V4}tcp_syncookies`) === null) return ['unclear']
  if (of(`${V4}tcp_syncookies`) !== 0) return ['syn-backlog-cookies']
  return ['syn-backlog', { from: value - (value >> 2) }]
}

function twReuse(here: Here): Effect {
  const now = { now: inState(here, 'TIME-WAIT') }
  if (here.value === 0) return ['reuse-never', now]
  if (here.of(`${V4}tcp_timestamps`) === 0) return ['reuse-no-timestamps', now]
  const [id] = byValue(here.value, ['reuse-never', 'reuse-timestamps', 'reuse-loopback'])
  return [id, now]
}

/** sockstat's number is the host's in every namespace. */
function orphans({ namespaces, value: limit }: Here): Effect {
  const now = gauge(namespaces, 'TCP.orphan')
  return now === null ? ['orphans-unknown', { limit }] : ['orphans', { now, limit }]
}

function tcpMem({ namespaces, numbers }: Here): Effect {
  const [, pressure, high] = numbers
  if (pressure === undefined || high === undefined) return ['unclear']
  const now = gauge(namespaces, 'TCP.mem')
  return now === null
    ? ['tcp-mem-unknown', { pressure, high }]
    : ['tcp-mem', { now, pressure, high }]
}

function gauge(namespaces: readonly NetnsSnapshot[], name: string): number | null {
  for (const { counters } of namespaces) {
    const value = counters.gauges.get(name)
    if (value !== undefined) return value
  }
  return null
}

const RTO_MAX_MS = 120_000

/** Until the last of so many repeats has found no answer; the first `linear` waits beyond the first do not grow. */
function backoffMs(retries: number, firstMs: number, linear: number): number {
  let sum = 0
  let rto = firstMs
  const most = Math.min(retries + linear, 255)
  for (let nth = 0; nth <= most; nth++) {
    sum += rto
    if (nth >= linear) rto = Math.min(rto * 2, RTO_MAX_MS)
  }
  return sum
}

function portRange({ namespaces }: Here): Effect {
  const uses = namespaces.flatMap(({ ephemeral }) => ephemeral.destinations)
  const ports = namespaces[0]?.ephemeral.range?.ports
  if (ports === undefined) return ['unclear']
  const [most] = [...uses].sort((a, b) => b.used - a.used)
  if (most === undefined) return ['ports-unused', { ports }]
  return ['ports', { ports, destination: endpointText(most.destination), used: most.used }]
}

/** In the fullest of the namespaces; null: not told. */
function trackedNow({ namespaces }: Here): number | null {
  const counts = namespaces.flatMap(({ conntrack }) => conntrack.count ?? [])
  return counts.length === 0 ? null : Math.max(...counts)
}

function conntrackMax(here: Here): Effect {
  const now = trackedNow(here)
  const limit = { limit: here.value }
  return now === null ? ['conntrack-max-unknown', limit] : ['conntrack-max', { now, ...limit }]
}

/** Without rules that need it, the kernel has the settings and tracks nothing. */
function tracked(here: Here, effect: () => Effect): Effect {
  return trackedNow(here) === 0 ? ['conntrack-idle'] : effect()
}

function timeout(id: EffectId): Told {
  return { effect: (here) => tracked(here, () => [id, { for: here.value * 1000 }]) }
}

function established({ value, of }: Here): Effect {
  const time = of(`${V4}tcp_keepalive_time`)
  const forMs = { for: value * 1000 }
  if (time === null) return ['conntrack-established', forMs]
  const id = time < value ? 'conntrack-established-later' : 'conntrack-established-earlier'
  return [id, { ...forMs, time: time * 1000 }]
}
