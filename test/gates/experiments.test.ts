import { describe, expect, test } from 'vitest'
import type { Verdict } from '../../src/causes/cause.ts'
import type { CauseId } from '../../src/causes/ids.ts'
import { causes } from '../../src/causes/index.ts'
import { type Asked, experimentStep } from '../../src/diagnose/experiment.ts'
import { en } from '../../src/messages/en/index.ts'
import type { CauseMessages, ExperimentStep, Shown } from '../../src/messages/types.ts'
import { planOf } from '../helpers/probe-commands.ts'

// Each cause names the experiment that separates it from its rivals (docs/probe.md), as a command line that tcpwhy really takes.
// That each finding has it, with its own addresses: test/helpers/cause-table.ts, machine-table.ts and test/conclusions.test.ts.

/** Causes of which no experiment can tell anything, each with the reason. */
const NO_EXPERIMENT: Partial<Record<CauseId, string>> = {}

const SERVERS: Record<string, Partial<Asked>> = {
  'a private address': { address: '10.0.0.9' },
  'a public IPv6 address': { address: '2001:db8::9' },
  'a public address with TLS': { address: '203.0.113.9', speaks: 'tls', port: 443 },
  MySQL: { speaks: 'mysql', port: 3306 },
  PostgreSQL: { speaks: 'other', port: 5432 },
  'HTTP with a path': { speaks: 'http', request: { method: 'GET', path: '/a/b.html' } },
  'an upload': { speaks: 'http', request: { method: 'POST', path: '/upload' } },
  'this host': { address: '127.0.0.1', remark: 'loopback' },
}
const SEEN: Verdict['experiment'][] = [
  {},
  { silenceMs: 75.2, patienceMs: 5 },
  { silenceMs: 7 * 86_400_000, patienceMs: 3 * 86_400_000 },
]

function experimentsOf(messages: CauseMessages): ExperimentStep[] {
  const { variants = {}, machine = {} } = messages
  const shown: Shown[] = [messages, ...Object.values(variants), machine]
  const all = [...shown, ...Object.values(machine.variants ?? {})]
  return [...new Set(all.flatMap(({ experiment }) => experiment ?? []))]
}

describe.each(causes.map(({ id }) => [id] as const))('%s', (id) => {
  const messages: CauseMessages = en[id]

  test('names an experiment, and what its result would mean', () => {
    const found = experimentsOf(messages)
    expect(found.length > 0, 'or a reason in NO_EXPERIMENT').toBe(NO_EXPERIMENT[id] === undefined)
    for (const { supports, refutes } of found) {
      for (const sentence of [supports, refutes]) {
        expect(sentence.length).toBeGreaterThan(10)
        expect(sentence).not.toMatch(/[.{}]$/)
        expect(sentence).not.toMatch(/\{\w+/)
      }
      expect(supports).not.toBe(refutes)
    }
  })

  test('tcpwhy takes its command line as it is printed, whatever the server', async () => {
    for (const experiment of experimentsOf(messages)) {
      for (const asked of Object.values(SERVERS)) {
        for (const seen of SEEN) {
          const { text, command } = experimentStep(experiment, serverOf(asked), verdictWith(seen))
          expect(text).toContain(experiment.supports)
          expect(text).toContain(experiment.refutes)
          const plan = await planOf(command ?? '')
          expect(plan.targets.join()).toContain(asked.address ?? '10.0.0.9')
        }
      }
    }
  })
})

function serverOf(over: Partial<Asked>): Asked {
  return { address: '10.0.0.9', port: 8080, speaks: null, request: null, remark: null, ...over }
}

function verdictWith(experiment: Verdict['experiment']): Pick<Verdict, 'experiment'> {
  return experiment === undefined ? {} : { experiment }
}

test('no cause is excused from experiments without need', () => {
  for (const id of Object.keys(NO_EXPERIMENT)) expect(Object.keys(en)).toContain(id)
  expect(Object.keys(NO_EXPERIMENT).length).toBeLessThanOrEqual(3)
})

describe('what is asked', () => {
  const experiment: ExperimentStep = {
    command: 'sudo tcpwhy probe idle {talk} {silence}',
    supports: 'for it',
    refutes: 'against it',
  }
  const step = (over: Partial<Asked>, seen: Verdict['experiment'] = {}) =>
    experimentStep(experiment, serverOf(over), verdictWith(seen))

  test('silences beyond the one that was seen, finer where it is short', () => {
    expect(step({}, { silenceMs: 20_000 }).command).toBe(
      'sudo tcpwhy probe idle 10.0.0.9:8080 --max 30s --precision 500ms',
    )
    expect(step({}, { silenceMs: 1_800_000 }).command).toContain('--max 45m')
    expect(step({}).command).toContain('--max 1h')
  })

  test('MySQL by its own ping, with the login that sudo would drop', () => {
    const { text, command } = step({ speaks: 'mysql', port: 3306 })
    expect(command).toBe('tcpwhy probe idle 10.0.0.9:3306 --mysql-ping --max 1h')
    expect(text).toContain('TCPWHY_MYSQL_USER')
  })

  test('a public address with the consent that it needs', () => {
    expect(step({ address: '2001:db8::9' }).command).toContain('[2001:db8::9]:8080 --max 1h --yes')
  })

  test('an address behind a NAT is said to be one', () => {
    expect(step({ remark: 'natted' }).text).toContain('10.0.0.9 is its address behind a NAT')
  })
})
