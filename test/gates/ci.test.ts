import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { root } from '../helpers/built.ts'
import { pageText } from '../helpers/examples.ts'

const place = mkdtempSync(join(tmpdir(), 'tcpwhy-ci-'))
afterAll(() => rmSync(place, { recursive: true }))

const passedFile = { status: 'passed', name: 'a', message: '', assertionResults: [] }
const failedTest = { ...passedFile, status: 'failed', assertionResults: [{ status: 'failed' }] }
const notLoaded = { ...passedFile, status: 'failed', message: 'no such module' }
const none = { numPassedTests: 5, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 }

function count(results: object, exitCode: number): string {
  const path = join(place, 'tests.json')
  writeFileSync(path, JSON.stringify(results))
  const args = [join(root, '.ci/count.mjs'), path, String(exitCode)]
  return spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout.trim()
}

describe('.ci/run counts what really happened', () => {
  test.each([
    ['all well', { ...none, testResults: [passedFile] }, 0, '5 0'],
    ['a failed test', { ...none, numFailedTests: 1, testResults: [failedTest] }, 1, '5 1'],
    ['a file that does not load', { ...none, testResults: [passedFile, notLoaded] }, 1, '5 1'],
    ['a skipped test', { ...none, numPendingTests: 2, testResults: [passedFile] }, 0, '5 2'],
    ['a bad end without a failure', { ...none, testResults: [passedFile] }, 1, '5 1'],
  ])('%s', (_, results, exitCode, counted) => {
    expect(count(results, exitCode)).toBe(counted)
  })

  test('no results at all are no counts', () => {
    const args = [join(root, '.ci/count.mjs'), join(place, 'nothing.json'), '0']
    expect(spawnSync(process.execPath, args).status).not.toBe(0)
  })
})

test('.ci/run calls the test command that README.md gives', () => {
  const command = pageText('README.md').match(/the whole test suite:\n\n```sh\n(.+)\n```/)![1]!
  expect(command).toBe('./test.sh')
  expect(readFileSync(join(root, '.ci/run'), 'utf8')).toContain(`\n  ${command} </dev/null`)
})
