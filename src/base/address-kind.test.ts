import { expect, test } from 'vitest'
import { kindOfAddress } from './address-kind.ts'

test.each([
  ['127.0.0.1', 'loopback'],
  ['127.8.0.9', 'loopback'],
  ['::1', 'loopback'],
  ['0:0:0:0:0:0:0:1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['10.1.2.3', 'private'],
  ['172.16.0.1', 'private'],
  ['172.31.255.1', 'private'],
  ['172.32.0.1', 'public'],
  ['192.168.1.1', 'private'],
  ['169.254.1.1', 'private'],
  ['fd00::1', 'private'],
  ['fe80::1%eth0', 'private'],
  ['100.64.0.1', 'public'],
  ['8.8.8.8', 'public'],
  ['2001:db8::1', 'public'],
  ['::ffff:8.8.8.8', 'public'],
  ['224.0.0.1', 'multicast'],
  ['239.255.255.250', 'multicast'],
  ['::ffff:224.0.0.1', 'multicast'],
  ['ff02::1', 'multicast'],
  ['255.255.255.255', 'broadcast'],
  ['0.0.0.0', 'unspecified'],
  ['::', 'unspecified'],
  ['240.0.0.1', 'reserved'],
  ['not an address', 'reserved'],
])('%s is %s', (address, kind) => {
  expect(kindOfAddress(address)).toBe(kind)
})
