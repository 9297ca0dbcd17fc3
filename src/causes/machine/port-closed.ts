import type { MachineFacts, ResetFact } from '../../evidence/machine.ts'
import { type Judgement, reasonsOf } from '../cause.ts'
import { acceptorOf, endpointText, listenerBefore, socketRef } from './lookup.ts'
import { eventOf, judgeResets } from './resets.ts'

const say = reasonsOf('port-closed')

/** Reason NO_SOCKET for a SYN. @see Linux net/ipv4/tcp_ipv4.c tcp_v4_send_reset */
export function judgePortClosedHere(machine: MachineFacts): Judgement {
  return judgeResets(machine, {
    of: ['syn-to-closed-port'],
    variantOf: (fact) => (listensNow(machine, fact) === null ? undefined : 'listens-again'),
    severity: () => 'problem',
    because: (fact) => becauseOf(machine, fact),
    against: (fact) =>
      fact.causes.length > 1 ? [say('or-unknown', {}, eventOf(fact, machine))] : [],
  })
}

function becauseOf(machine: MachineFacts, fact: ResetFact) {
  const at = eventOf(fact, machine)
  const { port } = fact.service
  const now = listensNow(machine, fact)
  const because = [say('no-socket', { count: fact.count, port }, at)]
  if (now !== null) {
    const owner = acceptorOf(machine, now.listener)
    const who = owner === null ? machine.name : `${owner.command} (pid ${owner.pid})`
    const { local } = now.listener
    const key = now.isNew ? 'listens-since' : 'listens-now'
    const there = socketRef(machine, now.netns, now.listener)
    because.push(say(key, { who, server: endpointText(local) }, there))
  } else if (machine.after.namespaces.some((n) => n.listeners.some((l) => l.local.port === port))) {
    because.push(say('elsewhere', { port }, at))
  }
  return because
}

/** Who takes this end at the last look, at its very address or at any of a namespace that has the address; null: nobody. */
function listensNow(machine: MachineFacts, { service }: ResetFact) {
  for (const netns of machine.after.namespaces) {
    const has = netns.sockets.some((s) => isAt(s.local.address, service.address))
    const listener = netns.listeners.find(
      ({ local }) =>
        local.port === service.port &&
        (isAt(local.address, service.address) || (has && ANY.has(local.address))),
    )
    if (listener === undefined) continue
    return { netns, listener, isNew: listenerBefore(machine, netns, listener) === null }
  }
  return null
}

const ANY = new Set(['0.0.0.0', '::'])

function isAt(address: string, other: string): boolean {
  return address.replace(/^::ffff:/, '') === other.replace(/^::ffff:/, '')
}
