import { expect, test } from 'vitest'
import { linuxHost } from '../../test/helpers/host.ts'
import { parseListeners, readListeners } from './listeners.ts'

// In the form of net/ipv4/tcp_ipv4.c get_tcp4_sock and get_openreq4: two listeners (3 wait at the second), a connection, a half-open one.
const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 21007 1 0000000000000000 100 0 0 10 0
   1: 00000000:0050 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 21008 1 0000000000000000 100 0 0 10 0
   2: 0100007F:1F90 0100007F:A2C4 01 00000000:00000001 00:00000000 00000000     0        0 0 1 0000000000000000 20 4 0 10 -1
   3: 0100007F:1F90 0200007F:A2C5 03 00000000:00000000 01:00000064 00000000     0        0 0 1 0000000000000000
`
const TCP6 = `   0: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 0A 00000000:00000081 00:00000000 00000000     0        0 5 1 0 100 0 0 10 0
   1: B80D0120000000000000000001000000:1538 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5 1 0 100 0 0 10 0
`

const hostWith = (files: Record<string, string>) => linuxHost({ files })

test('listeners of both families, the longest queue first', async () => {
  const host = hostWith({ '/proc/net/tcp': TCP, '/proc/net/tcp6': TCP6 })
  expect(await readListeners(host)).toEqual([
    { local: '[::]:443', waiting: 0x81 },
    { local: '0.0.0.0:80', waiting: 3 },
    { local: '127.0.0.1:8080', waiting: 0 },
    { local: '[2001:db8::1]:5432', waiting: 0 },
  ])
})

test('a host without IPv6 has those of IPv4', async () => {
  expect(await readListeners(hostWith({ '/proc/net/tcp': TCP }))).toHaveLength(2)
})

test('no /proc: not known', async () => {
  expect(await readListeners(hostWith({}))).toBeNull()
})

test('a machine of the other endianness writes addresses the other way', () => {
  const line = '   0: 7F000001:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0\n'
  expect(parseListeners(line, 'BE')).toEqual([{ local: '127.0.0.1:8080', waiting: 0 }])
})

test('a cut or strange text gives what is whole in it', () => {
  for (let end = 0; end < TCP.length; end++) {
    const found = parseListeners(TCP.slice(0, end), 'LE')
    expect(parseListeners(TCP, 'LE').slice(0, found.length)).toEqual(found)
  }
  expect(parseListeners('\0\0 0A 0A\n: : 0A', 'LE')).toEqual([])
})
