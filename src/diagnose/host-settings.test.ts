import { describe, expect, test } from 'vitest'
import { type MachineParts, machine } from '../../test/helpers/machine.ts'
import type { NetnsSnapshot } from '../evidence/machine.ts'
import { settingWords } from '../messages/en/settings.ts'
import { settingsOf } from './host-settings.ts'

const V4 = 'net.ipv4.'
const CONNTRACK = 'net.netfilter.nf_conntrack_'

function effectOf(name: string, parts: MachineParts): string | undefined {
  return settingsOf(machine(parts)).find((one) => one.name === name)?.effect
}

const keepalive = {
  [`${V4}tcp_keepalive_time`]: '7200',
  [`${V4}tcp_keepalive_intvl`]: '75',
  [`${V4}tcp_keepalive_probes`]: '9',
}

const on = { timer: { kind: 'keepalive', expiresMs: 100 } } as const

describe('what a setting does here', () => {
  test.each<[string, string, MachineParts, string]>([
    [
      'keepalive, with how many have it on',
      `${V4}tcp_keepalive_time`,
      { settings: keepalive, sockets: [on, {}, {}] },
      'a dead peer is found after 2 h 11 min of silence: 7200 + 9 x 75 s; 1 of 3 open',
    ],
    [
      'keepalive of which a part cannot be read',
      `${V4}tcp_keepalive_time`,
      { settings: { [`${V4}tcp_keepalive_time`]: '7200' } },
      'a value whose meaning is not known here',
    ],
    [
      'somaxconn that cuts what a configuration asks for',
      'net.core.somaxconn',
      {
        settings: { 'net.core.somaxconn': '128' },
        listeners: [
          {
            limit: 128,
            holders: [{ pid: 7, fd: 3, command: 'nginx', cgroup: null, waits: 'epoll' }],
            setting: {
              pid: 7,
              address: null,
              port: 80,
              setting: 'listen 80 backlog=',
              value: 511,
              from: 'configuration',
              file: '/etc/nginx/nginx.conf',
              line: 3,
              fits: true,
            },
          },
        ],
      },
      'gets 128: nginx asks for 511 at 10.77.2.2:80; 1 of 1 listeners',
    ],
    [
      'near miss: a listener that asked for less than somaxconn',
      'net.core.somaxconn',
      { settings: { 'net.core.somaxconn': '4096' }, listeners: [{ limit: 128 }] },
      'gets 4096; 0 of 1 listeners here have that limit',
    ],
    [
      'the SYN backlog while cookies are on',
      `${V4}tcp_max_syn_backlog`,
      { settings: { [`${V4}tcp_max_syn_backlog`]: '512', [`${V4}tcp_syncookies`]: '1' } },
      'holds nothing down',
    ],
    [
      'the SYN backlog without cookies: three quarters are for everybody',
      `${V4}tcp_max_syn_backlog`,
      { settings: { [`${V4}tcp_max_syn_backlog`]: '512', [`${V4}tcp_syncookies`]: '0' } },
      'once 384 handshakes',
    ],
    [
      'the SYN backlog of an old kernel, whose formula is another',
      `${V4}tcp_max_syn_backlog`,
      { release: '3.10.0', settings: { [`${V4}tcp_max_syn_backlog`]: '512' } },
      'before Linux 4.4',
    ],
    [
      'tw_reuse without timestamps',
      `${V4}tcp_tw_reuse`,
      { settings: { [`${V4}tcp_tw_reuse`]: '1', [`${V4}tcp_timestamps`]: '0' } },
      'does nothing',
    ],
    [
      // Documentation/networking/ip-sysctl.rst: 131 s
      'SYN retries with linear timeouts',
      `${V4}tcp_syn_retries`,
      { settings: { [`${V4}tcp_syn_retries`]: '6', [`${V4}tcp_syn_linear_timeouts`]: '4' } },
      'fails after 2 min 11 s',
    ],
    [
      // Documentation/networking/ip-sysctl.rst before 6.5: 127 s
      'SYN retries without them',
      `${V4}tcp_syn_retries`,
      { settings: { [`${V4}tcp_syn_retries`]: '6' } },
      'fails after 2 min 7 s',
    ],
    [
      // Documentation/networking/ip-sysctl.rst: 924.6 s
      'retries2',
      `${V4}tcp_retries2`,
      { settings: { [`${V4}tcp_retries2`]: '15' } },
      'at least 15 min 25 s',
    ],
    [
      'tracking that forgets before keepalive speaks',
      `${CONNTRACK}tcp_timeout_established`,
      {
        settings: { ...keepalive, [`${CONNTRACK}tcp_timeout_established`]: '600' },
        conntrack: { count: 5, max: 100 },
      },
      'silent for 10 min is forgotten by the connection tracking of this host, before keepalive (2 h)',
    ],
    [
      'near miss: the same where nothing is tracked',
      `${CONNTRACK}tcp_timeout_established`,
      {
        settings: { ...keepalive, [`${CONNTRACK}tcp_timeout_established`]: '600' },
        conntrack: { count: 0, max: 100 },
      },
      'no connection is tracked now',
    ],
    [
      'pages of TCP',
      `${V4}tcp_mem`,
      { hostSettings: { [`${V4}tcp_mem`]: '100 200 300' } },
      'from 200 pages on TCP lets windows shrink, at 300',
    ],
  ])('%s', (_, name, parts, words) => {
    expect(effectOf(name, parts)).toContain(words)
  })
})

test('namespaces with another value have a line of their own, those with the same share one', () => {
  const one = machine({ settings: { 'net.core.somaxconn': '128' } })
  const [first] = one.after.namespaces as [NetnsSnapshot]
  const value = (text: string): NetnsSnapshot['settings'] => ({
    settings: new Map([
      [
        'net.core.somaxconn',
        {
          name: 'net.core.somaxconn',
          value: text,
          numbers: [Number(text)],
          scope: 'namespace' as const,
        },
      ],
    ]),
    absent: [],
  })
  const namespaces = ['128', '4096', '128'].map((text, i) => ({
    ...first,
    id: i,
    name: `n${i}`,
    settings: value(text),
  }))
  const told = settingsOf({ ...one, after: { ...one.after, namespaces } })
  expect(told.map(({ value, netns }) => [value, netns])).toEqual([
    ['128', ['n0', 'n2']],
    ['4096', ['n1']],
  ])
})

test('every sentence has its values', () => {
  const names = [
    'tcp_keepalive_time',
    'tcp_keepalive_intvl',
    'tcp_keepalive_probes',
    'tcp_fin_timeout',
    'tcp_max_tw_buckets',
    'tcp_orphan_retries',
    'tcp_tw_reuse',
    'tcp_synack_retries',
    'tcp_retries2',
  ]
  const timeouts = ['time_wait', 'close_wait', 'fin_wait', 'max_retrans', 'unacknowledged']
  const settings = Object.fromEntries([
    ...names.map((name) => [V4 + name, '1']),
    ...timeouts.map((name) => [`${CONNTRACK}tcp_timeout_${name}`, '60']),
    [`${CONNTRACK}max`, '100'],
    [`${CONNTRACK}tcp_loose`, '1'],
  ])
  for (const conntrack of [
    { count: 5, max: 100 },
    { count: 0, max: 100 },
  ]) {
    for (const { effect } of settingsOf(machine({ settings, conntrack }))) {
      expect(effect).not.toMatch(/[{}]/)
      expect(effect).not.toBe(settingWords.effects.unclear)
    }
  }
})
