import { expect, test } from 'vitest'
import { causeTable } from '../../test/helpers/cause-table.ts'
import { address, connection, evidence, requestOnly } from '../../test/helpers/facts.ts'
import { descriptorExhaustion } from './descriptor-exhaustion.ts'

const waiting = [0, 1, 2].map((id) => requestOnly(true, { id, server: address('10.77.2.2', 8080) }))

causeTable(descriptorExhaustion, [
  { name: 'several requests that nobody answers: a suspect', connections: waiting, is: 'unknown' },
  {
    name: 'near miss: still within an ordinary time',
    connections: waiting.map((c) => ({ ...c, captureEndMs: 2000 })),
    is: 'nothing',
  },
  { name: 'near miss: answered', connections: [connection(), connection()], is: 'nothing' },
])

test('descriptor-exhaustion: the question names host, port and what to count', () => {
  const { unknown } = descriptorExhaustion.judge(evidence({ connections: waiting }))
  expect(unknown?.ask).toContain('# on 10.77.2.2')
  expect(unknown?.missing[0]).toContain('10.77.2.2:8080')
})
