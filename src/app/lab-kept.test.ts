import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { TcpwhyError } from '../base/errors.ts'
import { buildId } from '../lab/programs.ts'
import type { ScoreRun } from '../lab/report.ts'
import { checkSame, checkUnused, clearFolder, folderOf, keepRun, keptRuns } from './lab-kept.ts'

const of = { run: 1, scenario: 'long-poll', variant: 'events' }
const played: ScoreRun = {
  isReproduced: true,
  concluded: [],
  kernel: null,
  agreement: null,
  failed: null,
  fromMs: 0,
  seconds: 1,
}
let keep = ''

beforeEach(() => {
  keep = mkdtempSync(join(tmpdir(), 'tcpwhy-kept-'))
})
afterEach(() => rmSync(keep, { recursive: true }))

function codeOf(work: () => void): string | null {
  try {
    work()
    return null
  } catch (error) {
    return error instanceof TcpwhyError ? error.code : String(error)
  }
}

function change(by: Record<string, unknown>): void {
  const path = join(folderOf(keep, of), 'kept.json')
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...by }))
}

test('what this build has played on this kernel goes on', () => {
  keepRun(keep, of, played)
  expect(keptRuns(keep)).toMatchObject([{ ...of, played, build: buildId() }])
  expect(codeOf(() => checkSame(keep, keptRuns(keep)))).toBe(null)
})

test.each([
  ['another build', { build: '0123456789abcdef' }],
  ['an earlier version, which did not say', { build: undefined }],
  ['another kernel', { kernel: '5.10.0' }],
])('what %s has played is not mixed with what is played now', (_, by) => {
  keepRun(keep, of, played)
  change(by)
  expect(codeOf(() => checkSame(keep, keptRuns(keep)))).toBe('LAB_KEPT_OTHER')
})

test('a build has one digest', () => {
  expect(buildId()).toMatch(/^[0-9a-f]{16}$/)
  expect(buildId()).toBe(buildId())
})

test.each(['before', 'after'])('a folder in which a run left %s is not used again', (name) => {
  expect(codeOf(() => checkUnused(keep))).toBe(null)
  mkdirSync(join(keep, name))
  expect(codeOf(() => checkUnused(keep))).toBe('LAB_KEPT_OTHER')
})

test('what a killed playing left is gone before its story is played again', () => {
  const folder = folderOf(keep, of)
  mkdirSync(join(folder, 'before'), { recursive: true })
  writeFileSync(join(folder, 'before/client.pcap'), '')
  clearFolder(folder)
  expect(readdirSync(folder)).toEqual([])
})
