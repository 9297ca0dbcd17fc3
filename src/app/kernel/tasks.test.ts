import { expect, test } from 'vitest'
import type { HostFiles } from '../../host/host-files.ts'
import { Tasks } from './tasks.ts'

/** The threads of /proc by their number; all else is not asked for. */
const machine = (status: Record<number, string>) => {
  const host = {
    nowMs: () => 0,
    text(path: string) {
      const text = status[Number(/^\/proc\/(\d+)\/status$/.exec(path)?.[1])]
      return text === undefined
        ? { is: 'unreadable', why: 'missing', path }
        : { is: 'read', value: text }
    },
  }
  return host as unknown as HostFiles
}
const JAVA = 'Name:\tjava\nTgid:\t40\nPid:\t40\n'
const FINALIZER = 'Name:\tFinalizer\nTgid:\t40\nPid:\t49\n'

test('a thread is called by its process, whatever its own name is', () => {
  expect(new Tasks(machine({ 40: JAVA, 49: FINALIZER })).of(49)).toEqual({
    pid: 40,
    command: 'java',
  })
  expect(new Tasks(machine({ 40: JAVA })).of(40)).toEqual({ pid: 40, command: 'java' })
})

test('where the process cannot be asked any more, by its own; one that is gone is not known', () => {
  expect(new Tasks(machine({ 49: FINALIZER })).of(49)).toEqual({ pid: 40, command: 'Finalizer' })
  expect(new Tasks(machine({})).of(49)).toBeNull()
})
