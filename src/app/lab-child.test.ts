import { expect, test } from 'vitest'
import { errorOf } from './lab-child.ts'

test.each([
  [
    'tcpwhy: nginx: not there [LAB_CANNOT_RUN]\nsudo apt-get install nginx\n',
    ['LAB_CANNOT_RUN', 'nginx: not there', 'sudo apt-get install nginx'],
  ],
  [
    'tcpwhy: port 80 at server: not so after 20 s [LAB_FAILED]\nRun it again.\n',
    ['LAB_FAILED', 'port 80 at server: not so after 20 s', 'Run it again.'],
  ],
  ['Segmentation fault', ['LAB_FAILED', 'lab run ended with 139: Segmentation fault']],
])('what a story that could not be played said: %s', (said, [code, what, todo]) => {
  const error = errorOf(said, 139)
  expect([error.code, error.message]).toEqual([code, what])
  if (todo !== undefined) expect(error.todo).toBe(todo)
})
