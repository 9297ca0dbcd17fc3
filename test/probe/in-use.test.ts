import { expect, test } from 'vitest'
import { inUseHere } from '../../src/app/probe/in-use.ts'
import { hostWith } from '../helpers/recorded-host.ts'

// Who uses a target and who serves it, as /proc of a host tells.

/** A line of /proc/net/tcp; addresses in hexadecimal, the octets of a word reversed. */
const line = (local: string, remote: string, state: string, inode: number) =>
  `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000000000000000 100 0 0 10 0`

const VIP = '0900000A:0050' // 10.0.0.9:80
const OTHER = '0A00000A:0050' // 10.0.0.10:80
const HERE = '0500000A' // 10.0.0.5

function host(
  programs: Record<number, { command: string; inodes: number[] }>,
  lines: string[],
  commands: Record<number, string> = {},
) {
  const files: Record<string, string> = {
    '/proc/net/tcp': ['heading', ...lines, ''].join('\n'),
    '/proc/sys/net/ipv4/tcp_keepalive_time': '7200\n',
  }
  const links: Record<string, string> = { '/proc/self/fd/0': '/dev/null' }
  for (const [pid, { command, inodes }] of Object.entries(programs)) {
    files[`/proc/${pid}/comm`] = `${command}\n`
    files[`/proc/${pid}/cmdline`] = commands[Number(pid)] ?? `${command}\0`
    for (const [fd, inode] of inodes.entries()) {
      links[`/proc/${pid}/fd/${fd + 3}`] = `socket:[${inode}]`
    }
  }
  return hostWith({ files, links, platform: 'linux', without: ['netlink', 'ss'] })
}

const vip = { name: 'vip', address: '10.0.0.9', port: 80 }

test('the programs that have connections to it, what they may be, and the sysctl that they go by', () => {
  const found = inUseHere(
    host(
      {
        812: { command: 'java', inodes: [101, 102] },
        813: { command: 'billing', inodes: [103] },
        814: { command: 'java', inodes: [104] },
      },
      [
        line(`${HERE}:9C40`, VIP, '01', 101),
        line(`${HERE}:9C41`, VIP, '01', 102),
        line(`${HERE}:9C42`, VIP, '01', 103),
        line(`${HERE}:9C43`, OTHER, '01', 104),
      ],
    ),
    [vip],
    { isHttp: true, goFile: (pid) => pid === 813 },
  )
  expect(found).toEqual([
    {
      ids: ['java', 'apache-httpclient', 'okhttp'],
      side: 'client',
      why: 'java (pid 812) has 2 connections to vip here',
      count: 2,
    },
    {
      ids: ['go'],
      side: 'client',
      why: 'billing (pid 813) has 1 connection to vip here',
      count: 1,
    },
    {
      ids: ['linux'],
      why: 'programs here have 3 connections to vip; net.ipv4.tcp_keepalive_time is 7200 now',
    },
  ])
})

test('connections of another experiment are nobody in use; other programs of Node are', () => {
  const programs = {
    812: { command: 'node', inodes: [101] },
    813: { command: 'node', inodes: [102] },
    814: { command: 'node', inodes: [103] },
  }
  const lines = [101, 102, 103].map((inode) => line(`${HERE}:9C4${inode - 101}`, VIP, '01', inode))
  const commands: Record<number, string> = {
    812: 'node\0/usr/local/bin/tcpwhy\0probe\0idle\0',
    813: 'node\0--no-warnings\0/opt/tcpwhy/bin/tcpwhy.js\0probe\0',
    814: 'node\0server.js\0tcpwhy\0',
  }
  const found = inUseHere(host(programs, lines, commands), [vip], { isHttp: true })
  expect(found.map(({ why }) => why)).toEqual([
    'node (pid 814) has 1 connection to vip here',
    'programs here have 1 connection to vip; net.ipv4.tcp_keepalive_time is 7200 now',
  ])
})

test('who serves it, where that is this host; pools of databases by their port', () => {
  const lines = [
    line('00000000:0CEA', '00000000:0000', '0A', 201),
    line(`${HERE}:0CEA`, `${HERE}:9C40`, '01', 202),
    line(`${HERE}:9C40`, `${HERE}:0CEA`, '01', 203),
  ]
  const programs = {
    700: { command: 'mariadbd', inodes: [201, 202] },
    701: { command: 'node', inodes: [203] },
  }
  const here = { name: 'db', address: '10.0.0.5', port: 3306 }
  const found = inUseHere(host(programs, lines), [here], { isHttp: false, goFile: () => false })
  expect(found.map(({ ids, side }) => [side, ...ids])).toEqual([
    ['client', 'mysql2', 'pg'],
    [undefined, 'linux'],
    ['server', 'mysql'],
  ])
  expect(found[2]?.serves).toEqual({ target: 'db', command: 'mariadbd', pid: 700 })
  const elsewhere = { name: 'db', address: '10.0.0.6', port: 3306 }
  expect(inUseHere(host(programs, lines), [elsewhere], { isHttp: false })).toEqual([])
})

test('who listens is told before anybody has connected, by the addresses of this host', () => {
  const programs = { 700: { command: 'haproxy', inodes: [201] } }
  const lines = [line('00000000:0050', '00000000:0000', '0A', 201)]
  const isOwn = (address: string) => address === '10.0.0.9'
  const found = inUseHere(host(programs, lines), [vip], { isHttp: true, isOwn })
  expect(found.map(({ ids, side }) => [side, ...ids])).toEqual([['server', 'haproxy']])
  expect(inUseHere(host(programs, lines), [vip], { isHttp: true })).toEqual([])
})
