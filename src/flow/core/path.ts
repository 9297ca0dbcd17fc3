import type { Aggregates, EndpointTotals, HostTotals, PathTotals } from '../aggregates.ts'
import { addTtl } from '../aggregates.ts'
import * as L from '../layout.ts'
import type { Rows } from '../rows.ts'
import type { Core } from './core.ts'
import * as K from './layout.ts'

interface Totals {
  endpoint: EndpointTotals
  client: HostTotals
  server: HostTotals
  path: PathTotals
}

/** The path on which the core finishes ordinary connections by itself (end.ts), and what it has added up for it. */
export class CorePath {
  private readonly core: Core
  private totals: Totals | null = null

  constructor(core: Core) {
    this.core = core
  }

  /**
   * The open row was finished by the caller: others like it may be left to the core from now on.
   * @param enough  of witnesses: short exchanges, answers of the server
   */
  offer(
    rows: Rows,
    aggregates: Aggregates,
    endpoint: EndpointTotals | null,
    enough: { short: boolean; answers: boolean },
  ): void {
    const { ints, at } = rows
    const words = this.core.ints
    this.totals = endpoint === null ? null : totalsOf(rows, aggregates, endpoint)
    words[K.K_PATH_READY] = this.totals === null ? 0 : 1
    if (this.totals === null || endpoint === null) return
    words[K.K_PATH_CLIENT] = ints[at + L.R_CLIENT]!
    words[K.K_PATH_SERVER] = ints[at + L.R_SERVER]!
    words[K.K_PATH_PORT] = ints[at + L.R_PORTS]! & 0xffff
    words[K.K_CLIENT_TTL] = ints[at + L.CLIENT_SIDE + L.S_TTLS]!
    words[K.K_SERVER_TTL] = ints[at + L.SERVER_SIDE + L.S_TTLS]!
    words[K.K_SHORT_FULL] = enough.short ? 1 : 0
    words[K.K_ANSWERS_FULL] = enough.answers ? 1 : 0
    words[K.K_RTT_COUNT] = endpoint.rttCount
    words[K.K_RTT_STRIDE] = endpoint.rttStride
    this.core.floats[K.K_WAIT_MIN] = endpoint.waitMinNs
    this.forget()
  }

  /** There were enough of them, and now there are not. */
  wantWitnesses(): void {
    this.core.ints[K.K_SHORT_FULL] = 0
    this.core.ints[K.K_ANSWERS_FULL] = 0
  }

  /** Takes over what was added up. @returns how many connections, and when the last of them ended */
  flush(): { connections: number; lastEndedT: number } {
    const { ints, floats } = this.core
    const connections = ints[K.K_CONNECTIONS]!
    const lastEndedT = floats[K.K_LAST_ENDED_T]!
    if (connections === 0 || this.totals === null) return { connections: 0, lastEndedT }
    const { endpoint, client, server, path } = this.totals
    endpoint.connections += connections
    endpoint.byEnding.clean = (endpoint.byEnding.clean ?? 0) + connections
    endpoint.established += ints[K.K_ESTABLISHED]!
    endpoint.served += ints[K.K_SERVED]!
    endpoint.serverFirst += ints[K.K_SERVER_FIRST]!
    endpoint.firstAnswerT = Math.min(endpoint.firstAnswerT, floats[K.K_FIRST_ANSWER_T]!)
    endpoint.lastAnswerT = Math.max(endpoint.lastAnswerT, floats[K.K_LAST_ANSWER_T]!)
    endpoint.lastAcceptT = Math.max(endpoint.lastAcceptT, floats[K.K_LAST_ACCEPT_T]!)
    endpoint.rttCount = ints[K.K_RTT_COUNT]!
    client.packets += ints[K.K_CLIENT_PACKETS]!
    server.packets += ints[K.K_SERVER_PACKETS]!
    addTtl(client, ints[K.K_CLIENT_TTL]!, ints[K.K_CLIENT_TTLS]!)
    addTtl(server, ints[K.K_SERVER_TTL]!, ints[K.K_SERVER_TTLS]!)
    path.connections += connections
    path.packets += ints[K.K_CLIENT_PACKETS]! + ints[K.K_SERVER_PACKETS]!
    path.dataPackets += floats[K.K_DATA_PACKETS]!
    path.largestFromClient = Math.max(path.largestFromClient, ints[K.K_LARGEST_CLIENT]!)
    path.largestFromServer = Math.max(path.largestFromServer, ints[K.K_LARGEST_SERVER]!)
    this.forget()
    return { connections, lastEndedT }
  }

  private forget(): void {
    const { ints, floats } = this.core
    ints.fill(0, K.K_CONNECTIONS, K.K_LARGEST_SERVER + 1)
    floats[K.K_DATA_PACKETS] = 0
    floats[K.K_FIRST_ANSWER_T] = Number.POSITIVE_INFINITY
    floats[K.K_LAST_ANSWER_T] = Number.NEGATIVE_INFINITY
    floats[K.K_LAST_ACCEPT_T] = Number.NEGATIVE_INFINITY
  }
}

/** Null when not all of them are kept, or the row is not of the plain sort. */
function totalsOf(rows: Rows, aggregates: Aggregates, endpoint: EndpointTotals): Totals | null {
  const { ints, at } = rows
  const ttls = [ints[at + L.CLIENT_SIDE + L.S_TTLS]!, ints[at + L.SERVER_SIDE + L.S_TTLS]!]
  if ((ints[at + L.R_BITS]! & L.B_FAMILY6) !== 0) return null
  if (ttls.some((ttl) => ttl < 1 || ttl > 255)) return null
  const [client, server] = [ints[at + L.R_CLIENT]!, ints[at + L.R_SERVER]!]
  const path = aggregates.path(client, server, 4)
  const from = aggregates.host(client, 4)
  const to = aggregates.host(server, 4)
  return path === null || from === null || to === null
    ? null
    : { endpoint, client: from, server: to, path }
}
