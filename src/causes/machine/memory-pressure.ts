import type { MachineFacts, NetnsSnapshot } from '../../evidence/machine.ts'
import { type Judgement, type Reason, reasonsOf, type Verdict } from '../cause.ts'
import { counterRef, netnsName, type Rise, riseOf, settingRef } from './lookup.ts'
import { eventOf, judgeResets } from './resets.ts'
import { onMachine } from './verdict.ts'
import { askedAt } from './whom.ts'

const say = reasonsOf('memory-pressure')

const PAGE = 4096 // net.ipv4.tcp_mem counts pages

/** Too many orphans, or no memory for TCP. @see Linux net/ipv4/tcp.c tcp_check_oom, net/ipv4/tcp_timer.c tcp_out_of_resources */
export function judgeMemory(machine: MachineFacts): Judgement {
  const { verdicts } = judgeResets(machine, {
    of: ['out-of-memory'],
    severity: () => 'problem',
    because: (fact) => [say('kernel-said', { count: fact.count }, eventOf(fact, machine))],
  })
  if (verdicts.length > 0) return { verdicts }
  for (const netns of machine.after.namespaces) {
    const rise = riseOf(machine, netns, 'TcpExtTCPAbortOnMemory')
    if (rise !== null && rise.by > 0) return { verdicts: [ofCounter(machine, netns, rise)] }
  }
  return { verdicts: [] }
}

function ofCounter(machine: MachineFacts, netns: NetnsSnapshot, rise: Rise): Verdict {
  const because: Reason[] = [say('counter-rose', { by: rise.by }, counterRef(machine, netns, rise))]
  const limits = machine.after.hostSettings.settings.get('net.ipv4.tcp_mem')
  const used = netns.counters.gauges.get('TCP.mem')
  const most = limits?.numbers[2]
  if (limits !== undefined && used !== undefined && most !== undefined) {
    const at = settingRef(machine, netns, { name: 'net.ipv4.tcp_mem', value: limits.value })
    because.push(say('memory-used', { used: used * PAGE, most: most * PAGE }, at))
  }
  return onMachine(machine, {
    certainty: 'confirmed',
    severity: 'problem',
    side: 'unknown',
    setting: 'net.ipv4.tcp_mem',
    because,
    group: netnsName(netns),
    values: { server: 'its peers', ...askedAt(netns) },
    subject: { count: rise.by, what: 'resets' },
  })
}
