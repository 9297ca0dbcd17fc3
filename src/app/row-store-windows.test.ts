import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, test, vi } from 'vitest'
import { connection } from '../../test/helpers/facts.ts'
import { draftOf } from '../diagnose/summary.ts'
import { RowStore } from './row-store.ts'

/** As Windows does it: a folder cannot go while a file in it is open. */
const open = vi.hoisted(() => new Set<number>())
vi.mock('node:fs', async (load) => {
  const fs = await load<typeof import('node:fs')>()
  return {
    ...fs,
    openSync: (...of: Parameters<typeof fs.openSync>) => {
      const fd = fs.openSync(...of)
      open.add(fd)
      return fd
    },
    closeSync: (fd: number) => {
      open.delete(fd)
      fs.closeSync(fd)
    },
    rmSync: (...of: Parameters<typeof fs.rmSync>) => {
      if (open.size > 0) throw Object.assign(new Error('not empty'), { code: 'ENOTEMPTY' })
      fs.rmSync(...of)
    },
  }
})

const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('tcpwhy-rows-'))

test('rows wait in a file whose folder can go only when the file is closed', () => {
  const before = new Set(folders())
  const store = new RowStore(2)
  for (const id of [4, 1, 3, 0, 2]) store.add(draftOf(connection({ id, startMs: id })))
  const [own] = folders().filter((name) => !before.has(name))
  expect(own).toBeDefined()
  expect([...store.rows()].map((row) => row.id)).toEqual(['0', '1', '2', '3', '4'])
  store.close()
  expect(existsSync(`${tmpdir()}/${own}`)).toBe(false)
})
