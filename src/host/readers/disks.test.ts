import { expect, test } from 'vitest'
import { hostFrom, hostWith } from '../../../test/helpers/recorded-host.ts'
import { disks } from './disks.ts'

const SPACE = { size: 1000, available: 500, inodes: 10, inodesFree: 5 }
const MOUNTS = `22 27 0:21 / /proc rw - proc proc rw
27 1 254:0 / / rw,relatime master:1 - ext4 /dev/vda rw
28 27 254:1 / /var rw - xfs /dev/vdb rw
29 28 0:30 / /var/log rw - nfs4 server:/logs rw
30 27 0:31 / /tmp rw - tmpfs tmpfs rw
31 27 0:32 / /tmp rw - tmpfs tmpfs rw
32 27 0:33 / /var/lib ro - squashfs /dev/loop1 ro
33 27 0:34 / /data rw - ext4 /dev/vdc rw
`

test('disks: each file system that holds a place once; none of another machine, none that cannot be written', () => {
  const spaces = { '/': SPACE, '/var': SPACE, '/var/log': SPACE, '/tmp': SPACE, '/var/lib': SPACE }
  const host = hostWith({ files: { '/proc/self/mountinfo': MOUNTS }, spaces })
  const found = disks.read(host).filesystems.map(({ at, type }) => [at, type])
  expect(found).toEqual([
    ['/', 'ext4'],
    ['/var', 'xfs'],
    ['/tmp', 'tmpfs'],
  ])
})

test('disks: a file system that does not answer is left out', () => {
  const host = hostWith({ files: { '/proc/self/mountinfo': MOUNTS }, spaces: { '/': SPACE } })
  expect(disks.read(host).filesystems.map(({ at }) => at)).toEqual(['/'])
})

test.each(['6.18', '4.18', '3.10'])(
  'disks: of the recorded host %s, whole ones only',
  (version) => {
    expect(disks.read(hostFrom(`test/hosts/${version}`)).devices).toEqual([
      {
        name: 'vda',
        reads: expect.any(Number),
        octetsRead: expect.any(Number),
        writes: expect.any(Number),
        octetsWritten: expect.any(Number),
        busyMs: expect.any(Number),
      },
    ])
  },
)

test('disks: partitions are parts of what is counted already; lines that are cut are none', () => {
  const line = (name: string) => ` 8 0 ${name} 2 0 4 1 3 0 8 1 0 7 2`
  const names = ['sda', 'sda1', 'nvme0n1', 'nvme0n1p2', 'dm-0', 'loop3', 'md127', 'xvda1']
  const text = `${names.map(line).join('\n')}\n 8 0 sdb 2 0\n`
  const { devices } = disks.read(hostWith({ files: { '/proc/diskstats': text } }))
  expect(devices.map(({ name }) => name)).toEqual(['sda', 'nvme0n1', 'dm-0', 'md127'])
  expect(devices[0]).toEqual({
    name: 'sda',
    reads: 2,
    octetsRead: 2048,
    writes: 3,
    octetsWritten: 4096,
    busyMs: 7,
  })
})
