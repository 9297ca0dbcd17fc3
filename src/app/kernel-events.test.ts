import { afterEach, expect, test, vi } from 'vitest'
import { atEnd } from './kernel-events.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

test('Ctrl-C that somebody handles does not end the process, also when he listens once only', () => {
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true)
  const remove = vi.fn()
  const finish = vi.fn(() => process.off('SIGHUP', finish))
  process.on('SIGHUP', finish)
  const forget = atEnd(remove)
  process.emit('SIGHUP', 'SIGHUP')
  expect(finish).toHaveBeenCalledOnce()
  expect(kill.mock.calls).toEqual([])
  expect(remove).not.toHaveBeenCalled()

  process.emit('SIGHUP', 'SIGHUP') // nobody handles the second one
  expect(remove).toHaveBeenCalledOnce()
  expect(kill).toHaveBeenCalledWith(process.pid, 'SIGHUP')
  forget()
})
