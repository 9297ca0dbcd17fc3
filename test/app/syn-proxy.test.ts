import { expect, test } from 'vitest'
import { analyze, own } from './given.ts'

const CAPTURE = own('healthy/any-syn-proxy')

test('both sides of a SYN proxy are counted once, as the client sees it', async () => {
  const { report } = await analyze([CAPTURE])
  expect(report.translation).toEqual({ connections: 8, by: 'syn-proxy' })
  expect(report.connections).toMatchObject({ total: 8, byEnding: { clean: 8 } })
  for (const c of report.connections.listed) {
    expect(c.missingOctets).toEqual({ client: 0, server: 0 })
    expect(c.retransmissions.syn).toEqual({ client: 0, server: 0 })
    expect(c.payloadOctets.client).toBe(3 * 35)
  }
})

test('the ladder is that of one side', async () => {
  const { ladder } = await analyze([CAPTURE], { show: '0' })
  const answers = ladder!.rows.filter((row) => row.from === 'server')
  // Relative numbers: what the other side has is millions away.
  expect(Math.max(...answers.map((row) => row.seq))).toBeLessThan(3000)
  expect(ladder!.rows.filter((row) => row.flags === 2)).toHaveLength(1)
})
