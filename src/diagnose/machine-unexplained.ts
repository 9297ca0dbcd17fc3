import { groupBy } from '../base/group-by.ts'
import { endpointText, isServed } from '../causes/machine/lookup.ts'
import type { Endpoint, KernelEvent, MachineFacts, ResetFact } from '../evidence/machine.ts'
import { diagnoseWords } from '../messages/en/diagnose.ts'
import { say } from './finding.ts'
import type { Report } from './report.ts'

const words = diagnoseWords.machine

/** What ended connections of a host and no cause explains. */
export interface MachineUnexplained {
  entry: Report['unknown'][number]
  /** Connections that this host had opened: nobody wants those reset. */
  bad: boolean
}

/** Resets that came from elsewhere, and those that this host sent for connections that it does not know. */
export function machineUnexplained(machine: MachineFacts): MachineUnexplained[] {
  return [...received(machine), ...unknownConnections(machine)]
}

/** In these the exchange was over for this host: a reset then takes nothing away. */
const OVER = new Set(['TIME-WAIT', 'LAST-ACK', 'CLOSING', 'FIN-WAIT-2', 'CLOSED'])

function received(machine: MachineFacts): MachineUnexplained[] {
  const events = machine.events?.events ?? []
  const sent = new Set(
    events.filter((e) => e.kind === 'reset-sent').map((e) => ends(e.remote, e.local)),
  )
  const own = addressesOf(machine)
  const foreign = events.filter(
    (e) =>
      e.kind === 'reset-received' &&
      // Between two sockets of this host its own account of what it sent is enough.
      isOwn(e.local, own) !== false &&
      isOwn(e.remote, own) !== true &&
      !sent.has(ends(e.local, e.remote)) &&
      e.afterFin !== true &&
      !(e.state !== null && OVER.has(e.state)),
  )
  const groups = groupBy(
    foreign,
    (e) => `${wasServed(machine, e)} ${e.state === 'SYN-SENT'} ${farOf(machine, e)}`,
  )
  return [...groups.values()].map((members) => {
    const first = members[0]!
    const served = wasServed(machine, first)
    const count = Math.max(members.length, served ? 0 : groupCount(machine, first))
    const refused = members.every((e) => e.state === 'SYN-SENT')
    const values = {
      count,
      far: farOf(machine, first),
      of: machine.name,
      port: first.local?.port ?? 0,
    }
    const port = served ? first.local?.port : first.remote?.port
    return {
      bad: !served && members.some(isCutShort),
      entry: {
        cause: 'unexplained' as const,
        missing: [
          say(
            refused ? words.refused : served ? words.resetByClients : words.resetByServer,
            values,
          ),
        ],
        ask: say(words.askThere, { port: port ?? 0, host: first.remote?.address ?? '' }),
        connections: count,
      },
    }
  })
}

/** Addresses of this host's ends, in the namespaces that were looked at. */
function addressesOf({ before, after }: MachineFacts): Set<string> {
  const looks = [...(before?.namespaces ?? []), ...after.namespaces]
  return new Set(
    looks.flatMap(({ sockets, listeners }) => [
      ...sockets.map((s) => s.local.address),
      ...listeners.map((l) => l.local.address),
    ]),
  )
}

/** null: nothing is known of any address. */
function isOwn(end: Endpoint | null, own: ReadonlySet<string>): boolean | null {
  if (end === null || own.size === 0) return null
  return own.has(end.address) || own.has(`::ffff:${end.address}`)
}

/** In the middle: neither end had closed, as far as the kernel tells. */
function isCutShort({ state, afterFin }: KernelEvent): boolean {
  return afterFin === false || state === 'ESTABLISHED' || state === 'SYN-SENT'
}

function ends(one: Endpoint | null, other: Endpoint | null): string {
  return `${one?.address} ${one?.port} ${other?.address} ${other?.port}`
}

function wasServed(machine: MachineFacts, { local }: KernelEvent): boolean {
  return local !== null && machine.after.namespaces.some((n) => isServed(n, { local }))
}

/** The server's endpoint, or the client's address whose port says nothing. */
function farOf(machine: MachineFacts, event: KernelEvent): string {
  const { remote } = event
  if (remote === null) return '?'
  return wasServed(machine, event) ? remote.address : endpointText(remote)
}

/** Of many alike only the first are kept. */
function groupCount({ events }: MachineFacts, { remote }: KernelEvent): number {
  const groups = (events?.groups ?? []).filter(
    (g) =>
      g.kind === 'reset-received' &&
      g.service?.port === remote?.port &&
      g.service?.address === remote?.address,
  )
  return groups.reduce((sum, g) => sum + g.count, 0)
}

function unknownConnections(machine: MachineFacts): MachineUnexplained[] {
  return machine.resets.filter(isUnknown).map((fact) => ({
    bad: false,
    entry: {
      cause: 'unexplained',
      missing: [
        say(words.unknownConnection, {
          count: fact.count,
          reason: fact.event.reason ?? '?',
          server: endpointText(fact.service),
          of: machine.name,
        }),
      ],
      ask: say(words.askPackets, { port: fact.service.port }),
      connections: fact.count,
    },
  }))
}

function isUnknown({ causes }: ResetFact): boolean {
  return causes[0]?.startsWith('unknown-connection') === true
}
