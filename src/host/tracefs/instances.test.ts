import { expect, test } from 'vitest'
import { hostWith } from '../../../test/helpers/recorded-host.ts'
import { instanceName, leftOver, thisWatcher } from './instances.ts'

const FIRST = 'pid:[4026531836]'
const INNER = 'pid:[4026532177]'
const stat = `7 (node (x) y) S ${Array.from({ length: 18 }, (_, i) => i).join(' ')} 4711 0 0`

function watcherIn(space: string) {
  const host = hostWith({
    files: { '/proc/7/stat': stat },
    links: { '/proc/self': '7', '/proc/self/ns/pid': space },
  })
  return { host, watcher: thisWatcher(host)! }
}

test('what a dead process left is found, and not what this one or a living one has', () => {
  const { host, watcher } = watcherIn(FIRST)
  const own = instanceName(watcher, 0)
  expect(own).toBe('tcpwhy-7-4711')
  const dead = ['tcpwhy-8-4711', 'tcpwhy-7-4000', 'tcpwhy-7-4000-2']
  expect(leftOver(host, [own, instanceName(watcher, 3), 'tcpwhy-web', ...dead])).toEqual(dead)
})

test('a container does not remove what the host has, nor the host what a container has', () => {
  const outer = watcherIn(FIRST)
  const inner = watcherIn(INNER)
  const itsName = instanceName(inner.watcher, 1)
  expect(itsName).toBe('tcpwhy-7-4711-n4026532177-1')
  expect(leftOver(inner.host, ['tcpwhy-8-1', itsName])).toEqual([])
  expect(leftOver(outer.host, [itsName])).toEqual([])
  expect(leftOver(inner.host, ['tcpwhy-8-1-n4026532177'])).toHaveLength(1)
})
