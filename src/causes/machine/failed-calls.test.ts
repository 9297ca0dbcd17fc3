import { expect, test } from 'vitest'
import { kernelEvent, machine } from '../../../test/helpers/machine.ts'
import { judgePorts } from './ephemeral-ports-exhausted.ts'

const failed = (pid: number) =>
  kernelEvent({ kind: 'connect-failed', reason: 'EADDRNOTAVAIL', pid, command: `app-${pid}` })

const group = (pid: number, count: number) => ({
  kind: 'connect-failed' as const,
  reason: 'EADDRNOTAVAIL',
  service: null,
  side: null,
  pid,
  count,
  firstNs: 0n,
  lastNs: 0n,
})

test('of two processes that fail each has its own count, also beyond the events that are kept', () => {
  const seen = machine({ events: [failed(7), failed(8)], processes: [{ pid: 7 }, { pid: 8 }] })
  const events = { ...seen.events!, groups: [group(7, 500), group(8, 1)] }
  const told = judgePorts({ ...seen, events }).verdicts.map(({ culprit, machine: m }) => [
    culprit.process?.pid,
    m?.count,
  ])
  expect(told).toEqual([
    [7, 500],
    [8, 1],
  ])
})
