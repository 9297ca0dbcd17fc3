import type { MachineFacts } from '../../evidence/machine.ts'
import { clientsOf } from './clients.ts'
import { differencesOf } from './differences.ts'
import { sharedPeersOf } from './peers.ts'

/** Several hosts beside one another (`diagnose a.tar.gz b.tar.gz`): names are those of the report's `hosts`. */
export interface HostComparison {
  /** Hosts with a finding that is a problem (with any that is not benign, where no host has one), and the others. */
  sick: string[]
  healthy: string[]
  /** Those that part the sick from the healthy first. */
  differences: HostDifference[]
  /** Ends that all sick hosts wait for, most waiting connections first. */
  sharedPeers: SharedPeer[]
  /** Who is connected to more than one of the hosts, most connections first; at most 20. */
  clients: ClientSpread[]
}

export interface HostDifference {
  kind: 'kernel' | 'setting' | 'listener' | 'limit' | 'state' | 'counter'
  /** "net.core.somaxconn", "accept-queue limit of port 80", "open files of java", "CLOSE-WAIT", "TcpExtListenOverflows". */
  what: string
  values: { host: string; value: string }[]
  /** No sick host has a value that a healthy one has. */
  separates: boolean
}

export interface SharedPeer {
  /** "10.0.0.9:3306" */
  peer: string
  /** Connections that this host opened to it: all, and those in which it asked last and nothing came since. */
  hosts: { host: string; connections: number; waiting: number; longestMs: number }[]
}

export interface ClientSpread {
  client: string
  /** Established ones to a port at which the host listens, and how many of them have no timer, or TCP keepalive's. */
  hosts: { host: string; established: number; timersOff: number; keepalive: number }[]
}

/** @param sick  ids of the hosts' sources. @returns null unless there are several hosts */
export function compareHosts(
  machines: readonly MachineFacts[],
  sick: ReadonlySet<string>,
): HostComparison | null {
  if (machines.length < 2) return null
  const hosts = hostsOf(machines, sick)
  const named = (ill: boolean) => hosts.filter((h) => h.sick === ill).map(({ name }) => name)
  return {
    sick: named(true),
    healthy: named(false),
    differences: differencesOf(hosts),
    sharedPeers: sharedPeersOf(hosts),
    clients: clientsOf(hosts),
  }
}

export interface ComparedHost {
  name: string
  sick: boolean
  machine: MachineFacts
}

function hostsOf(machines: readonly MachineFacts[], sick: ReadonlySet<string>): ComparedHost[] {
  const names = hostNames(machines)
  return machines.map((machine) => ({
    name: names.get(machine.source) ?? machine.name,
    sick: sick.has(machine.source),
    machine,
  }))
}

/** By source: their own names; with the source beside it where two have the same (one host twice, cloned machines). */
export function hostNames(machines: readonly MachineFacts[]): ReadonlyMap<string, string> {
  const counts = new Map<string, number>()
  for (const { name } of machines) counts.set(name, (counts.get(name) ?? 0) + 1)
  return new Map(
    machines.map(({ source, name }) => [
      source,
      (counts.get(name) ?? 0) > 1 ? `${name} (${source})` : name,
    ]),
  )
}
