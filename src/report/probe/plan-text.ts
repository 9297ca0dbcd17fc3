import { probeWords as words } from '../../messages/en/probe.ts'
import { render as fill, formatCount, formatDuration, formatOctets } from '../../messages/render.ts'
import type { Plan, ProbeReport } from '../../probe/report.ts'
import { printable } from '../printable.ts'
import { wrap } from '../wrap.ts'

/** What an experiment is about to send, said before it does. */
export function planText(probe: ProbeReport['probe'], plan: Plan, columns?: number): string {
  const { connections, head } = words.plan
  const { perSecond } = plan
  const some = { n: formatCount(perSecond ?? 0), atOnce: formatCount(plan.atOnce) }
  const text = fill(head, {
    ...some,
    probe,
    connections: connectionsText(plan, connections),
    targets: plan.targets.join(', '),
    rate: fill(rateText(probe, perSecond), some),
    sends: plan.sends,
    volume:
      plan.requests === 0
        ? ''
        : fill(words.plan.volume, { n: plan.requests, octets: formatOctets(plan.octets) }),
    deadline: formatDuration(plan.deadlineMs),
  })
  return `${wrap(printable(text), '', columns).join('\n')}\n`
}

/** Of `probe idle`: what is asked after a silence is asked when it ends. */
function rateText(probe: ProbeReport['probe'], perSecond: number | null): string {
  const { free, due, opened, limited } = words.plan.rate
  if (perSecond === null) return free
  return { load: due, idle: opened, connect: limited, http: limited, backlog: limited }[probe]
}

function connectionsText({ connections: n }: Plan, text: typeof words.plan.connections): string {
  return n === 1 ? text.one : fill(text.some, { n: formatCount(n) })
}
