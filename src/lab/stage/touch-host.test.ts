import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startTimeOf } from './slot.ts'
import { putBackLeft, touchHost } from './touch-host.ts'
import { Undo } from './undo.ts'

const NAME = 'net.netfilter.nf_conntrack_max'
const me = { pid: process.pid, startTime: startTimeOf(process.pid) }
const dead = { pid: 2 ** 30, startTime: '7' }

/** A folder as /proc/sys, in which that setting is 262144. */
function machine() {
  const folder = mkdtempSync(join(tmpdir(), 'tcpwhy-touch-'))
  mkdirSync(join(folder, 'net/netfilter'), { recursive: true })
  const file = join(folder, 'net/netfilter/nf_conntrack_max')
  writeFileSync(file, '262144\n')
  const places = { record: join(folder, 'record'), sysctls: folder }
  return { places, value: () => readFileSync(file, 'utf8').trim() }
}

test('what was there comes back with undo', async () => {
  const { places, value } = machine()
  const undo = new Undo()
  touchHost({ [NAME]: 400 }, me, undo, places)
  expect(value()).toBe('400')
  expect(await undo.all()).toEqual([])
  expect([value(), existsSync(places.record)]).toEqual(['262144', false])
})

test("a second run would take the first one's value for the machine's: it is refused", async () => {
  const { places, value } = machine()
  const undo = new Undo()
  touchHost({ [NAME]: 400 }, me, undo, places)
  expect(() => touchHost({ [NAME]: 9 }, me, new Undo(), places)).toThrow('Another run')
  expect(putBackLeft(places)).toEqual([])
  expect(value()).toBe('400')
  await undo.all()
  expect(value()).toBe('262144')
})

test('what a killed run left is put back by the next, also when it died while writing that down', () => {
  const { places, value } = machine()
  touchHost({ [NAME]: 400 }, dead, new Undo(), places)
  expect(putBackLeft(places)).toEqual([NAME])
  expect([value(), existsSync(places.record)]).toEqual(['262144', false])
  writeFileSync(places.record, '{"pid":1')
  expect(putBackLeft(places)).toEqual([])
  expect([value(), existsSync(places.record)]).toEqual(['262144', false])
})

test('a record that names other files or no number changes nothing', () => {
  const { places, value } = machine()
  const before = { '../../etc/passwd': '1', [NAME]: 'x; rm' }
  writeFileSync(places.record, JSON.stringify({ ...dead, before }))
  putBackLeft(places)
  expect(value()).toBe('262144')
})
