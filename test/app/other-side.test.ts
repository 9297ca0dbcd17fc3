import { describe, expect, test } from 'vitest'
import type { Ladder, LadderRow } from '../../src/diagnose/ladder.ts'
import { ladderText } from '../../src/report/ladder.ts'
import { analyze, own } from './given.ts'

const FLAG_RST = 4

async function ladderOf(inputs: string[], at: Record<string, string> = {}): Promise<Ladder> {
  const views = Object.entries(at).map(([vantage, path]) => ({
    vantage: vantage as 'client',
    path,
  }))
  const { ladder } = await analyze(inputs, { at: views, show: '0' })
  return ladder!
}

function remarksOf(row: LadderRow | undefined): string[] {
  return (row?.remarks ?? []).map((r) => r.id)
}

/** The request that a filter stopped is the last data of the client, and the reset in the server's name answers it. */
function expectStopped({ rows, beyond }: Ladder, lost: string, made: string): void {
  const request = rows.findLast((r) => r.from === 'client' && r.len > 0)
  const reset = rows.find((r) => (r.flags & FLAG_RST) !== 0)
  expect(remarksOf(request)).toContain(lost)
  expect(remarksOf(reset)).toContain(made)
  const there = beyond!.rows
  expect(there.some((r) => (r.flags & FLAG_RST) !== 0)).toBe(false)
  expect(there.filter((r) => r.from === 'client' && r.len > 0)).toHaveLength(1)
}

describe('--show draws both sides', () => {
  test('of a box that translates addresses, in one capture', async () => {
    const ladder = await ladderOf([own('firewall-reject/any-translated')])
    expectStopped(ladder, 'lost-in-box', 'made-by-box')
    const { at, connection } = ladder.beyond!
    expect([at, connection.server]).toEqual(['behind-box', '10.77.2.2:8080'])
    expect(ladder.connection.translated?.server).toBe(connection.server)
    const text = [...ladderText(ladder, { color: false, all: true })].join('')
    expect(text).toContain('Behind the box that translates its addresses: 10.77.2.1:')
    expect(text).toMatch(/came into the box that translates addresses and never went out/)
  })

  test('of two captures', async () => {
    const file = (end: string) => own(`injected-reset/behind-syn-proxy.${end}`)
    const ladder = await ladderOf([], { client: file('client'), server: file('server') })
    expectStopped(ladder, 'lost', 'injected')
    expect(ladder.beyond!.at).toBe('server')
    expect(ladder.beyond!.rows[0]!.source).not.toBe(ladder.rows[0]!.source)
  })

  test('near miss: a connection that is there once has one', async () => {
    expect((await ladderOf([own('process-killed/kill-9')])).beyond).toBeUndefined()
  })
})
