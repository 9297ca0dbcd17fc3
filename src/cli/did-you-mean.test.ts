import { expect, test } from 'vitest'
import { TcpwhyError } from '../base/errors.ts'
import { withScenario } from './did-you-mean.ts'

const ids = ['listen-backlog', 'linger-zero']
const unknown = new TcpwhyError('LAB_UNKNOWN', 'There is no scenario x', 'lab list shows all.')
const todo = (error: unknown) => (error instanceof TcpwhyError ? error.todo : null)

test('a scenario that was mistyped is named; nothing is guessed where none is near', () => {
  expect(todo(withScenario(unknown, 'listen-bcklog', ids))).toBe(
    'Did you mean listen-backlog? lab list shows all.',
  )
  expect(withScenario(unknown, 'quite-another', ids)).toBe(unknown)
})

test('an unknown variant and every other error stay as they are', () => {
  expect(withScenario(unknown, 'listen-backlog', ids)).toBe(unknown)
  const other = new Error('x')
  expect(withScenario(other, 'listen-bcklog', ids)).toBe(other)
})
