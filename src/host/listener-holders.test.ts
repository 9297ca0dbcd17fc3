import { expect, test } from 'vitest'
import { type Changes, hostWith } from '../../test/helpers/recorded-host.ts'
import type { Owner } from './facts.ts'
import { listenerHolders, parseWatched } from './listener-holders.ts'

const owner: Owner = { pid: 7, fd: 5, command: 'app', cgroup: null }
const INODE = 0x2a2f
const thread = { '/proc/7/task/7/syscall': '232 0x4 0x7ffc 0x1 0xffffffff\n' }
const links = {
  '/proc/7/fd/4': 'anon_inode:[eventpoll]',
  '/proc/7/fd/5': `socket:[${INODE}]`,
}

function waits(changes: Changes) {
  const host = hostWith({ links, ...changes })
  return listenerHolders(host, INODE, [owner], new Map())[0]?.waits
}

// Lines as fs/eventpoll.c ep_show_fdinfo prints them.
const WATCHED = 'tfd:        5 events:       19 data:                5  pos:0 ino:2a2f sdev:9\n'

test('an epoll that watches it for connections', () => {
  const files = { ...thread, '/proc/7/fdinfo/4': `pos:\t0\nflags:\t02\n${WATCHED}` }
  expect(waits({ files })).toBe('epoll')
})

test('an epoll that watches another socket of the same number, or this one without EPOLLIN: nobody takes connections', () => {
  const other = WATCHED.replace('2a2f', '2a30')
  expect(waits({ files: { ...thread, '/proc/7/fdinfo/4': other } })).toBe('none')
  const paused = WATCHED.replace('events:       19', 'events: 40000000')
  expect(waits({ files: { ...thread, '/proc/7/fdinfo/4': paused } })).toBe('none')
})

test('kernels before 77493f04b74c (2017) tell the descriptor only', () => {
  const old = 'tfd:        5 events:       19 data:                5\n'
  expect(parseWatched(old)).toEqual([{ fd: 5, events: 0x19, inode: null }])
  expect(waits({ files: { ...thread, '/proc/7/fdinfo/4': old } })).toBe('epoll')
})

test('a thread inside accept() of this very descriptor', () => {
  const accepting = (fd: number) => ({
    '/proc/7/task/7/syscall': `43 0x${fd} 0x0 0x0\n`,
    '/proc/7/task/7/wchan': 'inet_csk_accept',
  })
  expect(waits({ files: accepting(5) })).toBe('accept')
  expect(waits({ files: accepting(6) })).toBe('none')
})

test('poll(), an io_uring and what may not be looked at do not tell', () => {
  const polling = { ...thread, '/proc/7/task/7/wchan': 'poll_schedule_timeout.constprop.0' }
  expect(waits({ files: polling })).toBe('unknown')
  const ring = { ...links, '/proc/7/fd/6': 'anon_inode:[io_uring]' }
  expect(waits({ links: ring, files: thread })).toBe('unknown')
  expect(waits({ files: {} })).toBe('unknown')
})

test('a process that is stopped still watches it, and takes nobody', () => {
  const stopped = (state: string) => {
    const files = { ...thread, '/proc/7/status': `Name:\tapp\nState:\t${state}\n` }
    const host = hostWith({ links, files })
    return listenerHolders(host, INODE, [owner], new Map())[0]?.stopped
  }
  expect(stopped('T (stopped)')).toBe(true)
  expect(stopped('t (tracing stop)')).toBe(true)
  expect(stopped('S (sleeping)')).toBeUndefined()
})
