import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isLabNamespace } from '../../src/app/probe/permit.ts'
import { cli } from '../cli/fake.ts'

test.each(['connect', 'http', 'idle', 'backlog', 'load'])(
  'probe %s asks before it sends anything to a public address',
  async (probe) => {
    const { err, exitCode } = await cli(['probe', probe, '192.0.2.1:80'])
    expect(exitCode).toBe(2)
    expect(err).toContain('[PROBE_NOT_YOURS]')
    expect(err).not.toContain('will open')
  },
)

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tcpwhy-permit-'))
  writeFileSync(join(folder, 'own'), '')
})
afterEach(() => rmSync(folder, { recursive: true }))

test.each([
  ['twlab3-client', 'own', true],
  ['twlab3-client', 'other', false],
  ['twlab-client', 'own', false],
  ['web', 'own', false],
])('a namespace %s that is %s: %s', (name, whose, is) => {
  writeFileSync(join(folder, 'other'), '')
  symlinkSync(join(folder, whose), join(folder, name))
  expect(isLabNamespace(folder, join(folder, 'own'))).toBe(is)
})

test('where no namespace has a name there is none of ours', () => {
  expect(isLabNamespace(join(folder, 'none'))).toBe(false)
})
