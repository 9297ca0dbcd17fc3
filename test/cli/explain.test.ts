import { describe, expect, test } from 'vitest'
import { causeIds } from '../../src/causes/ids.ts'
import { commands } from '../../src/cli/commands/index.ts'
import { VERBS } from '../../src/report/explain/explain.ts'
import { cli } from './fake.ts'

describe('explain', () => {
  test('alone lists every cause', async () => {
    const { out, exitCode } = await cli(['explain'])
    expect(exitCode).toBe(0)
    for (const id of causeIds) expect(out).toContain(`  ${id} `)
  })

  for (const id of causeIds) {
    test(`${id}: its page, at most 100 columns wide`, async () => {
      const { out, exitCode } = await cli(['explain', id])
      expect(exitCode).toBe(0)
      expect(out.split('\n')[0]).toMatch(new RegExp(`^${id}: `))
      expect(out).toContain('\nWhat to do\n\nNow. ')
      for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
    })
  }

  test('an error line may come as one word or as several', async () => {
    const one = await cli(['explain', 'write: broken pipe'])
    const several = await cli(['explain', 'write:', 'broken', 'pipe'])
    expect(one.out).toMatch(/^The peer had closed \(FIN\) before this side wrote/)
    expect(several.out).toBe(one.out)
  })

  test('what is not known is said in two lines with what was meant, exit 2', async () => {
    const { out, err, exitCode } = await cli(['explain', 'port-closd'])
    expect([out, exitCode]).toEqual(['', 2])
    expect(err).toMatch(
      /^tcpwhy: No cause, TCP state or known error line: port-closd \[EXPLAIN_UNKNOWN\]\nDid you mean port-closed[^\n]+\n$/,
    )
  })

  test('advice may name exactly the verbs that this version has', () => {
    const verbs = commands.map(({ name }) => name.split(' ')[0])
    expect([...VERBS]).toEqual([...new Set(verbs)])
  })
})
