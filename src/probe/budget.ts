import type { OpenOptions, ProbePort, ProbeSocket, SocketEvents } from './port.ts'
import type { Spent } from './report.ts'

/** Hard limits: what goes beyond is not sent, whoever asks for it. Null = no limit but the others. */
export interface Budget {
  connections: number | null
  octets: number | null
  /** On the port's clock. After it no connection is opened and nothing is written. */
  untilMs: number
}

/** The code of a connection that the budget did not allow. */
export const OVER_BUDGET = 'TCPWHY_BUDGET'

/** The port with its spending counted and limited. */
export function withBudget(port: ProbePort, budget: Budget): { port: ProbePort; spent: Spent } {
  const spent: Spent = { connections: 0, writes: 0, octetsSent: 0 }
  const open = (options: OpenOptions, on: SocketEvents): ProbeSocket => {
    const isOver = budget.connections !== null && spent.connections >= budget.connections
    if (isOver || port.nowMs() > budget.untilMs) return refused(port, on)
    spent.connections++
    return counted(port.open(options, on), port, budget, spent)
  }
  const hop: ProbePort['hop'] = async (to, ttl, limitMs) => {
    const isOver = budget.connections !== null && spent.connections >= budget.connections
    if (isOver || port.nowMs() > budget.untilMs) return null
    spent.connections++
    return port.hop(to, ttl, limitMs)
  }
  return { port: { ...port, open, hop }, spent }
}

function counted(socket: ProbeSocket, port: ProbePort, budget: Budget, spent: Spent): ProbeSocket {
  return {
    ...socket,
    write(octets) {
      const after = spent.octetsSent + octets.length
      const isOver = budget.octets !== null && after > budget.octets
      // Nothing more goes out on it, and whoever waits for an answer is told.
      if (isOver || port.nowMs() > budget.untilMs) {
        socket.reset()
        return
      }
      spent.writes++
      spent.octetsSent = after
      socket.write(octets)
    },
  }
}

function refused(port: ProbePort, on: SocketEvents): ProbeSocket {
  const cancel = port.after(0, () => on.closed({ code: OVER_BUDGET, syscall: 'open' }))
  return {
    write() {},
    end() {},
    close: cancel,
    reset: cancel,
    keepalive: () => 'idle-only',
    probeNow: () => false,
    tls: () => null,
    info: () => null,
    unsent: () => 0,
    local: () => null,
  }
}
