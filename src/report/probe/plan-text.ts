import { probeWords as words } from '../../messages/en/probe.ts'
import { render as fill, formatCount, formatDuration } from '../../messages/render.ts'
import type { Plan, ProbeReport } from '../../probe/report.ts'
import { printable } from '../printable.ts'
import { wrap } from '../wrap.ts'

/** What an experiment is about to send, said before it does. */
export function planText(probe: ProbeReport['probe'], plan: Plan): string {
  const { connections, rate, head } = words.plan
  const { perSecond } = plan
  const some = { n: formatCount(perSecond ?? 0), atOnce: formatCount(plan.atOnce) }
  const text = fill(head, {
    ...some,
    probe,
    connections: connectionsText(plan, connections),
    targets: plan.targets.join(', '),
    rate: perSecond === null ? rate.free : fill(probe === 'load' ? rate.due : rate.limited, some),
    sends: plan.sends,
    deadline: formatDuration(plan.deadlineMs),
  })
  return `${wrap(printable(text), '').join('\n')}\n`
}

function connectionsText({ connections: n }: Plan, text: typeof words.plan.connections): string {
  if (n === null) return text.free
  return n === 1 ? text.one : fill(text.some, { n: formatCount(n) })
}
