import { expect, test } from 'vitest'
import { droppedBy, type NftHook } from './nft-rules.ts'

const SYN = { from: '10.0.0.1', to: '10.0.0.2', port: 80, loopback: false }
const HOOKS: NftHook[] = ['prerouting', 'input']

const chain = (of: object = {}) => ({
  chain: {
    family: 'inet',
    table: 'f',
    name: 'in',
    hook: 'input',
    prio: 0,
    policy: 'accept',
    ...of,
  },
})
const rule = (handle: number, ...expr: object[]) => ({
  rule: { family: 'inet', table: 'f', chain: 'in', handle, expr },
})
const inOther = (handle: number, ...expr: object[]) => ({
  rule: { family: 'inet', table: 'f', chain: 'other', handle, expr },
})
const match = (left: object, right: unknown, op = '==') => ({ match: { op, left, right } })
const dport = (right: unknown, op?: string) =>
  match({ payload: { protocol: 'tcp', field: 'dport' } }, right, op)
const saddr = (addr: string, len: number) =>
  match({ payload: { protocol: 'ip', field: 'saddr' } }, { prefix: { addr, len } })
const state = (...names: string[]) => match({ ct: { key: 'state' } }, names, 'in')
const DROP = { drop: null }
const ACCEPT = { accept: null }
const limit = { limit: { rate: 5, per: 'second' } }

const sure = (handle: number) => ({ rule: `inet f in handle ${handle}`, sure: true })
const perhaps = (handle: number) => ({ rule: `inet f in handle ${handle}`, sure: false })
const policy = { rule: 'inet f in policy', sure: true }

// As nft 1.0.6 prints them.
test.each<[string, object[], object | null]>([
  ['a rule for the port', [chain(), rule(2, dport(80), { counter: {} }, DROP)], sure(2)],
  ['near miss: for another port', [chain(), rule(2, dport(81), DROP)], null],
  ['a range', [chain(), rule(2, dport({ range: [79, 90] }), DROP)], sure(2)],
  ['a set', [chain(), rule(2, dport({ set: [22, 80] }), DROP)], sure(2)],
  ['near miss: every port but this one', [chain(), rule(2, dport(80, '!='), DROP)], null],
  ['everything', [chain(), rule(2, DROP)], sure(2)],
  ['a network', [chain(), rule(2, saddr('10.0.0.0', 8), DROP)], sure(2)],
  ['near miss: another network', [chain(), rule(2, saddr('10.1.0.0', 16), DROP)], null],
  ['near miss: let through before', [chain(), rule(2, dport(80), ACCEPT), rule(3, DROP)], null],
  ['near miss: rejected, which is an answer', [chain(), rule(2, dport(80), { reject: {} })], null],
  ['near miss: only what is not new', [chain(), rule(2, state('established'), DROP)], null],
  ['what is new', [chain(), rule(2, state('new'), DROP)], sure(2)],
  ['the policy', [chain({ policy: 'drop' }), rule(2, state('established'), ACCEPT)], policy],
  [
    'near miss: the policy, but this port is let through',
    [chain({ policy: 'drop' }), rule(2, dport(80), ACCEPT)],
    null,
  ],
  ['perhaps: only so many a second', [chain(), rule(2, dport(80), limit, DROP)], perhaps(2)],
  [
    'perhaps: a rule before it that is not understood may let it through',
    [chain(), rule(2, { xt: null }, ACCEPT), rule(3, dport(80), DROP)],
    perhaps(3),
  ],
  ['perhaps: a named set', [chain(), rule(2, dport('@blocked'), DROP)], perhaps(2)],
  ['near miss: a chain of another hook', [chain({ hook: 'output' }), rule(2, DROP)], null],
  [
    'near miss: a chain of bridges',
    [
      {
        chain: { family: 'bridge', table: 'f', name: 'in', hook: 'input', prio: 0, policy: 'drop' },
      },
    ],
    null,
  ],
  [
    'a chain that is jumped to',
    [
      chain(),
      chain({ name: 'other', hook: undefined, policy: undefined }),
      rule(2, { jump: { target: 'other' } }),
      inOther(5, dport(80), DROP),
    ],
    { rule: 'inet f other handle 5', sure: true },
  ],
  [
    'near miss: it returns from there',
    [
      chain(),
      chain({ name: 'other', hook: undefined, policy: undefined }),
      rule(2, { jump: { target: 'other' } }),
      inOther(5, dport(80), { return: null }),
      inOther(6, DROP),
    ],
    null,
  ],
  [
    'perhaps: a chain that is jumped to under a condition',
    [
      chain(),
      chain({ name: 'other', hook: undefined, policy: undefined }),
      rule(2, dport('@some'), { jump: { target: 'other' } }),
      inOther(5, DROP),
    ],
    { rule: 'inet f other handle 5', sure: false },
  ],
  [
    'a chain that jumps to itself ends',
    [chain(), rule(2, { jump: { target: 'in' } }), rule(3, dport(80), DROP)],
    perhaps(3),
  ],
  [
    'near miss: a verdict map may let it through first',
    [chain(), rule(2, { vmap: {} }), rule(3, dport(80), DROP)],
    perhaps(3),
  ],
])('%s', (_, nftables, expected) => {
  expect(droppedBy(JSON.stringify({ nftables }), SYN, HOOKS)).toEqual(expected)
})

test('text that is none', () => {
  for (const text of ['', '[]', '{}', '{"nftables": 3}']) {
    expect(droppedBy(text, SYN, HOOKS)).toBe('unreadable')
  }
  const odd = { nftables: [null, 3, { chain: null }, { rule: { expr: [null, 3] } }, { chain: {} }] }
  expect(droppedBy(JSON.stringify(odd), SYN, HOOKS)).toBeNull()
})
