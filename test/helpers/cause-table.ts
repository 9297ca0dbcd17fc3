import { expect, test } from 'vitest'
import type { Cause, Certainty, Verdict } from '../../src/causes/cause.ts'
import { askedOf, commandValues, experimentStep } from '../../src/diagnose/experiment.ts'
import { en } from '../../src/messages/en/index.ts'
import { render } from '../../src/messages/render.ts'
import type { CauseMessages } from '../../src/messages/types.ts'
import { type EvidenceParts, evidence } from './facts.ts'
import { planOf } from './probe-commands.ts'

/** One row of a cause's table. `is`: the strongest certainty concluded, or why there is no verdict. */
export interface Row extends EvidenceParts {
  name: string
  is: Certainty | 'nothing' | 'excluded' | 'unknown'
  variant?: string
  severity?: Verdict['severity']
  culprit?: Verdict['culprit']['side']
  consequenceOf?: Verdict['consequenceOf']
  /** Connections explained; not checked when left out. */
  explains?: number
  /** Keys that must be among the evidence for, and against. */
  because?: readonly string[]
  against?: readonly string[]
}

const ORDER: readonly Certainty[] = ['confirmed', 'likely', 'possible']

/** A table of hits, near misses and unknowns; every sentence of every verdict must render without a placeholder left. */
export function causeTable(cause: Cause, rows: readonly Row[]): void {
  for (const row of rows) {
    test(`${cause.id}: ${row.name}`, async () => {
      const judgement = cause.judge(evidence(row))
      const verdicts = [...judgement.verdicts].sort(
        (a, b) => ORDER.indexOf(a.certainty) - ORDER.indexOf(b.certainty),
      )
      for (const verdict of verdicts) await expectReadable(cause, verdict)
      const first = verdicts[0]
      if (first === undefined) {
        const is =
          judgement.excluded !== undefined
            ? 'excluded'
            : judgement.unknown !== undefined
              ? 'unknown'
              : 'nothing'
        expect(is).toBe(row.is)
        return
      }
      expect(first.certainty).toBe(row.is)
      if (row.variant !== undefined) expect(first.variant).toBe(row.variant)
      if (row.severity !== undefined) expect(first.severity).toBe(row.severity)
      if (row.culprit !== undefined) expect(first.culprit.side).toBe(row.culprit)
      if (row.consequenceOf !== undefined) expect(first.consequenceOf).toBe(row.consequenceOf)
      if (row.explains !== undefined) {
        expect(new Set(verdicts.flatMap((v) => v.connections)).size).toBe(row.explains)
      }
      expect(first.because.map((r) => r.key)).toEqual(
        expect.arrayContaining([...(row.because ?? [])]),
      )
      expect(first.against.map((r) => r.key)).toEqual(
        expect.arrayContaining([...(row.against ?? [])]),
      )
    })
  }
}

async function expectReadable(cause: Cause, verdict: Verdict): Promise<void> {
  const messages: CauseMessages | undefined = (en as Partial<Record<string, CauseMessages>>)[
    cause.id
  ]
  if (messages === undefined) throw new Error(`${cause.id} has no messages`)
  expect(verdict.because.length).toBeGreaterThan(0)
  expect(verdict.connections.length).toBeGreaterThan(0)
  expect(verdict.weight).toBeGreaterThan(0)
  expect(verdict.weight).toBeLessThanOrEqual(100)
  for (const reason of [...verdict.because, ...verdict.against]) {
    const template = messages.because[reason.key]
    expect(template, `${cause.id} has no sentence ${reason.key}`).toBeDefined()
    expectFilled(render(template ?? '', reason.values))
  }
  const variant = messages.variants?.[verdict.variant ?? ''] ?? {}
  const shown = { ...messages, ...variant }
  const asked = askedOf(verdict.connections[0]!, null)
  await planOf(experimentStep(shown.experiment, asked, verdict).command ?? '')
  const values = {
    ...commandValues(asked, verdict),
    server: '10.77.2.2:80',
    host: '10.77.2.2',
    address: '10.77.2.2',
    port: 80,
    connections: verdict.connections.length,
    ...verdict.values,
  }
  const steps = [...shown.now, ...shown.confirm, ...shown.fix]
  const texts = [
    shown.title,
    ...steps.flatMap((s) => [s.text, s.command ?? '']),
    ...shown.fix.map((s) => s.verify ?? ''),
  ]
  for (const text of texts) expectFilled(render(text, values))
}

/** awk's `{print $4}` is no placeholder, `{server}` left over is. */
function expectFilled(text: string): void {
  expect(text).not.toMatch(/\{\w+(:\w+)?\}/)
  expect(text).not.toMatch(/NaN|undefined|Infinity/)
}
