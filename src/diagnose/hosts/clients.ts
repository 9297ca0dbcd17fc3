import type { MachineFacts } from '../../evidence/machine.ts'
import type { ClientSpread, ComparedHost } from './comparison.ts'

const MAX_CLIENTS = 20

/** How one client's connections are spread over the hosts, whether or not anything is wrong with them. */
export function clientsOf(hosts: readonly ComparedHost[]): ClientSpread[] {
  const byHost = hosts.map(({ name, machine }) => ({ name, clients: incomingOf(machine) }))
  const all = new Set(byHost.flatMap(({ clients }) => [...clients.keys()]))
  return [...all]
    .map((client) => ({
      client,
      hosts: byHost.map(({ name, clients }) => ({
        host: name,
        ...(clients.get(client) ?? { established: 0, timersOff: 0, keepalive: 0 }),
      })),
    }))
    .filter(({ hosts: spread }) => spread.filter(({ established }) => established > 0).length > 1)
    .sort((a, b) => totalOf(b) - totalOf(a))
    .slice(0, MAX_CLIENTS)
}

function totalOf({ hosts }: ClientSpread): number {
  return hosts.reduce((sum, { established }) => sum + established, 0)
}

function incomingOf({ after }: MachineFacts) {
  const clients = new Map<string, Omit<ClientSpread['hosts'][number], 'host'>>()
  for (const { sockets, listeners } of after.namespaces) {
    const served = new Set(listeners.map(({ local }) => local.port))
    for (const { state, local, remote, timer } of sockets) {
      if (state !== 'ESTABLISHED' || !served.has(local.port)) continue
      const address = remote.address.replace(/^::ffff:(?=\d+\.)/, '')
      if (/^(127\.|::1$)/.test(address)) continue
      const use = clients.get(address) ?? { established: 0, timersOff: 0, keepalive: 0 }
      use.established++
      if (timer === null) use.timersOff++
      if (timer?.kind === 'keepalive') use.keepalive++
      clients.set(address, use)
    }
  }
  return clients
}
