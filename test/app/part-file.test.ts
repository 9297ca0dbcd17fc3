import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { partBeside } from '../../src/app/bundle/part-file.ts'
import { hostWith } from '../helpers/recorded-host.ts'

const folder = mkdtempSync(join(tmpdir(), 'tcpwhy-part-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

const BOOT = '0a1b2c3d'
const uid = process.getuid?.() ?? 0

function stat(started: number): string {
  return `1 (node) S ${Array.from({ length: 18 }, () => '0').join(' ')} ${started} 0`
}

/** Process 7 is this one, 8 another tcpwhy at work. */
const host = hostWith({
  links: { '/proc/self': '7', '/proc/self/ns/pid': 'pid:[4026531836]' },
  files: {
    '/proc/sys/kernel/random/boot_id': `${BOOT}-1111-2222-3333-444444444444\n`,
    '/proc/7/stat': stat(700),
    '/proc/8/stat': stat(800),
  },
})

test('what a dead run was writing is removed, and nothing else', () => {
  const stays = [
    `x.tar.gz.${BOOT}.tcpwhy-8-800.part`, // at work
    'x.tar.gz.ffffffff.tcpwhy-9-1.part', // of another machine, or before it was booted
    `x.tar.gz.${BOOT}.tcpwhy-9-1-n42.part`, // in a container, whose processes are not seen
    'x.tar.gz.9.part',
    'x.tar.gz',
  ]
  const goes = [`x.tar.gz.${BOOT}.tcpwhy-9-900.part`, `old.tar.gz.${BOOT}.tcpwhy-8-1.part`]
  for (const name of [...stays, ...goes]) writeFileSync(join(folder, name), 'x')
  const link = `l.${BOOT}.tcpwhy-9-2.part`
  const inner = `d.${BOOT}.tcpwhy-9-3.part`
  symlinkSync('x.tar.gz', join(folder, link))
  mkdirSync(join(folder, inner))
  const target = join(folder, 'x.tar.gz')
  expect(partBeside(target, [uid], host)).toBe(`${target}.${BOOT}.tcpwhy-7-700.part`)
  expect(readdirSync(folder).sort()).toEqual([...stays, link, inner].sort())
})

test("another user's stays", () => {
  const name = `y.${BOOT}.tcpwhy-9-4.part`
  writeFileSync(join(folder, name), 'x')
  partBeside(join(folder, 'y'), [uid + 1], host)
  expect(readdirSync(folder)).toContain(name)
})

test('where processes cannot be told apart nothing is removed, and the usual name has to do', () => {
  expect(partBeside(join(folder, 'z'), [uid], hostWith({}))).toBeNull()
})
