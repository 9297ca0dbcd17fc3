import { expect, test } from 'vitest'
import type { Cause, Certainty, Verdict } from '../../src/causes/cause.ts'
import { askedOfMachine, commandValues, experimentStep } from '../../src/diagnose/experiment.ts'
import { en } from '../../src/messages/en/index.ts'
import { render } from '../../src/messages/render.ts'
import type { CauseMessages } from '../../src/messages/types.ts'
import { evidence } from './facts.ts'
import { type MachineParts, machine } from './machine.ts'
import { planOf } from './probe-commands.ts'

/** One row of what a cause concludes from a host. `is`: the strongest certainty, or why there is no verdict. */
export interface MachineRow extends MachineParts {
  name: string
  is: Certainty | 'nothing' | 'unknown'
  variant?: string
  severity?: Verdict['severity']
  consequenceOf?: Verdict['consequenceOf']
  pid?: number
  count?: number
  /** How many verdicts there are. */
  of?: number
  because?: readonly string[]
  against?: readonly string[]
}

const ORDER: readonly Certainty[] = ['confirmed', 'likely', 'possible']

/** A table of hits, near misses and unknowns; every sentence must render without a placeholder left. */
export function machineTable(cause: Cause, rows: readonly MachineRow[]): void {
  for (const row of rows) {
    test(`${cause.id} on a host: ${row.name}`, async () => {
      const judgement = cause.judgeMachine?.(machine(row), evidence({ connections: [] }))
      const verdicts = [...(judgement?.verdicts ?? [])].sort(
        (a, b) => ORDER.indexOf(a.certainty) - ORDER.indexOf(b.certainty),
      )
      for (const verdict of verdicts) await expectReadable(cause, verdict)
      const [first] = verdicts
      if (first === undefined) {
        expect(judgement?.unknown === undefined ? 'nothing' : 'unknown').toBe(row.is)
        return
      }
      expect(first.certainty).toBe(row.is)
      if (row.variant !== undefined) expect(first.variant).toBe(row.variant)
      if (row.severity !== undefined) expect(first.severity).toBe(row.severity)
      if (row.consequenceOf !== undefined) expect(first.consequenceOf).toBe(row.consequenceOf)
      if (row.pid !== undefined) expect(first.culprit.process?.pid).toBe(row.pid)
      if (row.count !== undefined) expect(first.machine?.count).toBe(row.count)
      if (row.of !== undefined) expect(verdicts).toHaveLength(row.of)
      const keys = (list: Verdict['because']) => list.map((reason) => reason.key)
      expect(keys(first.because)).toEqual(expect.arrayContaining([...(row.because ?? [])]))
      expect(keys(first.against)).toEqual(expect.arrayContaining([...(row.against ?? [])]))
    })
  }
}

async function expectReadable(cause: Cause, verdict: Verdict): Promise<void> {
  const messages = (en as Partial<Record<string, CauseMessages>>)[cause.id]
  expect(messages, `${cause.id} has no messages`).toBeDefined()
  expect(verdict.because.length).toBeGreaterThan(0)
  expect(verdict.machine, 'a verdict on a host says what it is about').toBeDefined()
  expect(verdict.machine?.count).toBeGreaterThan(0)
  for (const reason of [...verdict.because, ...verdict.against]) {
    const template = messages?.because[reason.key]
    expect(template, `${cause.id} has no sentence ${reason.key}`).toBeDefined()
    expectFilled(render(template ?? '', reason.values))
  }
  const { variants = {}, ...own } = messages?.machine ?? {}
  const variant = verdict.variant ?? ''
  const shown = { ...messages, ...messages?.variants?.[variant], ...own, ...variants[variant] }
  const steps = [...(shown.now ?? []), ...(shown.confirm ?? []), ...(shown.fix ?? [])]
  const texts = [
    shown.title ?? '',
    ...steps.flatMap((s) => [s.text, s.command ?? '']),
    ...(shown.fix ?? []).flatMap((s) => [s.verify ?? '', s.setting ?? '']),
  ]
  const asked = askedOfMachine(verdict)
  if (shown.experiment === undefined) throw new Error(`${cause.id} names no experiment`)
  const { command = '' } = experimentStep(shown.experiment, asked, verdict)
  await planOf(command.replace('HOST:PORT', '10.0.0.9:80'))
  const values = {
    ...commandValues(asked, verdict),
    ...verdict.values,
    connections: verdict.machine?.count ?? 0,
  }
  for (const text of texts) expectFilled(render(text, values))
}

/** awk's `{print $4}` is no placeholder, `{server}` left over is. */
function expectFilled(text: string): void {
  expect(text).not.toMatch(/\{\w+(:\w+)?\}/)
  expect(text).not.toMatch(/NaN|undefined|Infinity/)
}
