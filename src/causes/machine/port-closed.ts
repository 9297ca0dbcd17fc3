import type { MachineFacts, ResetFact } from '../../evidence/machine.ts'
import { type Judgement, reasonsOf } from '../cause.ts'
import { eventOf, judgeResets } from './resets.ts'

const say = reasonsOf('port-closed')

/** Reason NO_SOCKET for a SYN. @see Linux net/ipv4/tcp_ipv4.c tcp_v4_send_reset */
export function judgePortClosedHere(machine: MachineFacts): Judgement {
  return judgeResets(machine, {
    of: ['syn-to-closed-port'],
    severity: () => 'problem',
    because: (fact) => becauseOf(machine, fact),
    against: (fact) =>
      fact.causes.length > 1 ? [say('or-unknown', {}, eventOf(fact, machine))] : [],
  })
}

function becauseOf(machine: MachineFacts, fact: ResetFact) {
  const at = eventOf(fact, machine)
  const { port } = fact.service
  const listens = machine.after.namespaces.some((n) =>
    n.listeners.some((l) => l.local.port === port),
  )
  return [
    say('no-socket', { count: fact.count, port }, at),
    ...(listens ? [say('elsewhere', { port }, at)] : []),
  ]
}
