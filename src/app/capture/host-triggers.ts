import type { CounterFacts, SocketFact } from '../../host/facts.ts'
import { type HostFiles, readOrNull } from '../../host/host-files.ts'
import { counterDeltas, counters } from '../../host/readers/counters.ts'
import { processes } from '../../host/readers/processes.ts'
import { sockets } from '../../host/readers/sockets.ts'
import { captureWords as words } from '../../messages/en/capture.ts'
import { render } from '../../messages/render.ts'
import type { PolledTrigger } from './triggers.ts'

/** Of the time between two looks, a look may take this part: 100,000 sockets from /proc take a tenth of a second. */
const MAX_SHARE = 0.01

/** What counts connections that a full accept queue turned away, in the namespace of `pid`. */
export function overflowTrigger(host: HostFiles, pid: number): PolledTrigger {
  const look = (): CounterFacts => counters.read(host, { netOf: pid })
  let before = look()
  return {
    poll() {
      const after = look()
      const { rose } = counterDeltas(before, after)
      if (after.counters.size > 0) before = after
      const overflows = rose.get('TcpExtListenOverflows') ?? 0
      const drops = rose.get('TcpExtListenDrops') ?? 0
      return overflows + drops === 0 ? null : { kind: 'overflow', values: { overflows, drops } }
    },
  }
}

/**
 * So many sockets in CLOSE-WAIT in a network namespace. Once it fired, it must first fall below.
 * @param pid  a process in it
 */
export function closeWaitTrigger(host: HostFiles, pid: number, count: number): PolledTrigger {
  let armed = true
  let notBeforeMs = 0
  return {
    poll() {
      const startMs = host.nowMs()
      if (startMs < notBeforeMs) return null
      const waiting = closeWaits(host, pid)
      notBeforeMs = startMs + (host.nowMs() - startMs) / MAX_SHARE
      const isMany = waiting.length >= count
      const fires = isMany && armed
      armed = !isMany
      if (!fires) return null
      const values = { count: waiting.length, limit: count, holder: holderOf(host, waiting) }
      return { kind: 'close-wait', values }
    },
  }
}

function closeWaits(host: HostFiles, pid: number): SocketFact[] {
  const states = ['CLOSE-WAIT'] as const
  const inside = host.inNamespace(`/proc/${pid}/ns/net`, (here) => sockets.read(here, { states }))
  // Without entering it, its table can still be read.
  const facts = readOrNull(inside) ?? sockets.read(host, { netOf: pid, states })
  return facts.sockets.filter(({ state }) => state === 'CLOSE-WAIT')
}

/** ", most of them held by java (pid 77)", or '' where nobody may see. */
function holderOf(host: HostFiles, waiting: readonly SocketFact[]): string {
  const inodes = new Set(waiting.map(({ inode }) => inode))
  const { owners } = processes.read(host, { inodes })
  const counts = new Map<string, number>()
  for (const [owner] of owners.values()) {
    const who = `${owner!.command} (pid ${owner!.pid})`
    counts.set(who, (counts.get(who) ?? 0) + 1)
  }
  const [first] = [...counts].sort((a, b) => b[1] - a[1])
  return first === undefined ? '' : render(words.holder, { who: first[0] })
}

/** Who listens in a network namespace (null: this one): port -> "nginx (pid 77)". */
export function listenersIn(host: HostFiles, netns: string | null): Map<number, string> {
  const states = ['LISTEN'] as const
  const look = (here: HostFiles) => sockets.read(here, { states })
  const facts = netns === null ? look(host) : readOrNull(host.inNamespace(netns, look))
  const found = (facts?.sockets ?? []).filter(({ state }) => state === 'LISTEN')
  const { owners } = processes.read(host, { inodes: new Set(found.map(({ inode }) => inode)) })
  const byPort = new Map<number, string>()
  for (const { local, inode } of found) {
    const owner = owners.get(inode)?.[0]
    if (owner !== undefined) byPort.set(local.port, `${owner.command} (pid ${owner.pid})`)
  }
  return byPort
}
