import type {
  ConfiguredCheck,
  Endpoint,
  KernelEvent,
  MachineFacts,
  ResetFact,
} from '../../evidence/machine.ts'
import { type Judgement, type Reason, reasonsOf, type Verdict } from '../cause.ts'
import { regularInterval } from '../regular.ts'
import { endpointText, processRef, serverEnd, whereOf } from './lookup.ts'
import { eventOf, membersOf } from './resets.ts'
import { onMachine } from './verdict.ts'

const say = reasonsOf('health-check')

/**
 * Connections that a process of this host opens and ends by RST, by the clock: a checker's. HAProxy closes its TCP checks so.
 * @see HAProxy src/tcpcheck.c tcpcheck_main, include/haproxy/connection.h conn_ctrl_close (linger_risk)
 */
export function judgeHealthChecksHere(machine: MachineFacts): Judgement {
  const verdicts = machine.resets.flatMap((fact) => {
    const check = checkOf(machine, fact)
    return check === null ? [] : [verdictOf(machine, fact, check)]
  })
  return { verdicts }
}

/** What shows that resets of a server are a checker's. */
export interface Check {
  /** Between two of them, as they came. */
  intervalMs: number | null
  configured: ConfiguredCheck | null
}

/** Whether the resets of a server come by the clock, or no oftener than a balancer is told to check it; null: they are no checks. */
export function checkOf(machine: MachineFacts, fact: ResetFact): Check | null {
  const { causes, culprit, side, count } = fact
  if (side !== 'remote' || causes.length > 1 || causes[0] !== 'linger-zero') return null
  if (culprit === null || culprit.dying) return null
  const all = membersOf(machine, fact)
  const intervalMs = all.length < count ? null : regularInterval(all.map(momentMs))
  const program = machine.after.programs.find(({ pid }) => pid === culprit.pid)
  const checks = (program?.checks ?? []).filter((check) => isOf(check, fact.service))
  // One server may stand in several backends.
  const most = checks.reduce((sum, check) => sum + machine.forMs / check.intervalMs + 1, 0)
  const configured = count <= most * SLACK ? (checks[0] ?? null) : null
  return intervalMs === null && configured === null ? null : { intervalMs, configured }
}

/** HAProxy checks oftener for a while where "fastinter" says so. */
const SLACK = 1.5

function isOf({ address, port }: ConfiguredCheck, service: Endpoint): boolean {
  return port === service.port && (address === null || address === service.address)
}

function momentMs({ timeNs }: KernelEvent): number {
  return Number(timeNs) / 1e6
}

function resetterOf(machine: MachineFacts, { pid, command }: NonNullable<ResetFact['culprit']>) {
  const container = whereOf(machine, pid)
  return { pid, command, ...(container === null ? {} : { container }) }
}

function verdictOf(machine: MachineFacts, fact: ResetFact, check: Check): Verdict {
  const { culprit, count, service, examples } = fact
  const at = eventOf(fact, machine)
  const server = endpointText(service)
  return onMachine(machine, {
    certainty: check.intervalMs !== null && check.configured !== null ? 'confirmed' : 'likely',
    severity: 'benign',
    side: 'client',
    process: culprit === null ? null : resetterOf(machine, culprit),
    because: [
      say('reset-by-clock', { times: count, who: culprit?.command ?? '?' }, at),
      ...(check.intervalMs === null ? [] : [say('periodic', { interval: check.intervalMs }, at)]),
      ...becauseOfSetting(machine, check, culprit?.pid ?? 0),
    ],
    group: `${culprit?.pid} ${server}`,
    values: { client: culprit?.command ?? machine.name, endpoint: server, port: service.port },
    subject: {
      count,
      of: machine.resets.reduce((sum, reset) => sum + reset.count, 0),
      what: 'resets',
      examples: examples.flatMap(({ local, remote }) =>
        local === null || remote === null
          ? []
          : [`${endpointText(local)} > ${endpointText(remote)}`],
      ),
      server: serverEnd(service),
    },
  })
}

function becauseOfSetting(machine: MachineFacts, { configured }: Check, pid: number): Reason[] {
  if (configured === null) return []
  const { file, line, intervalMs } = configured
  const at = processRef(machine, pid, `${file}:${line}`)
  return [say('configured', { file: `${file}:${line}`, interval: intervalMs }, at)]
}
