import { describe, expect, test } from 'vitest'
import { machine } from '../../test/helpers/machine.ts'
import { disksOf } from './host-disks.ts'

const DISK = { name: 'vda', reads: 0, octetsRead: 0, writes: 0, octetsWritten: 0, busyMs: 0 }

function notices(of: { available?: number; inodes?: number; inodesFree?: number }) {
  const one = { at: '/var', type: 'ext4', size: 1000, available: 500, inodes: 10, inodesFree: 5 }
  const filesystems = [{ ...one, ...of }]
  return disksOf(machine({ disks: { filesystems } })).notices.map(({ what }) => what)
}

describe('a disk', () => {
  test.each([
    ['full', { available: 0 }, ['disk-full']],
    ['with a part in two hundred left', { available: 5 }, ['disk-full']],
    ['nearly full', { available: 50 }, ['disk-nearly-full']],
    ['near miss: with more than a part in twenty left', { available: 51 }, []],
    ['without inodes', { inodesFree: 0 }, ['inodes-used-up']],
    ['near miss: of a kind that has no fixed number of inodes', { inodes: 0, inodesFree: 0 }, []],
  ])('%s', (_, of, what) => {
    expect(notices(of)).toEqual(what)
  })
})

test('what disks did is a difference between two looks', () => {
  const devices = [
    { ...DISK, reads: 30, octetsRead: 3000, writes: 6, octetsWritten: 600, busyMs: 300 },
  ]
  const told = machine({ disks: { devices }, disksBefore: { devices: [DISK] } })
  expect(disksOf(told).disks).toEqual([
    { device: 'vda', reads: 10, writes: 2, octetsRead: 1000, octetsWritten: 200, busyPercent: 10 },
  ])
})

test('one look tells how full disks are, and nothing of what they do', () => {
  expect(disksOf(machine({ once: true })).disks).toBeNull()
})
