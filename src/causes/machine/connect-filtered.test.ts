import { expect, test } from 'vitest'
import { kernelEvent, machine } from '../../../test/helpers/machine.ts'
import type { KernelEvent, SocketFact } from '../../evidence/machine.ts'
import { judgeSynSent } from './connect-filtered.ts'

const local = { address: '10.77.2.2', port: 40_000 }
const remote = { address: '10.77.3.3', port: 80 }
const socket: Partial<SocketFact> = { state: 'SYN-SENT', local, remote, retransmits: 3 }

const at = (ms: number) => BigInt(ms) * 1_000_000n
const syn = (ms: number) =>
  kernelEvent({ kind: 'retransmit', state: 'SYN-SENT', timeNs: at(ms), local, remote })
const fell = (ms: number) =>
  kernelEvent({ kind: 'drop', reason: 'NETFILTER_DROP', timeNs: at(ms) + 30_000n })

function verdict(events: readonly KernelEvent[], sockets = [socket]) {
  const [only] = judgeSynSent(machine({ sockets, events })).verdicts
  const { certainty, variant, culprit, because, against } = only!
  const keys = [...because, ...against].map((reason) => reason.key)
  return { certainty, variant, side: culprit.side, keys }
}

test('every repeat has its drop: a rule of this host, likely', () => {
  expect(verdict([syn(0), fell(0), syn(1000), fell(1000)])).toEqual({
    certainty: 'likely',
    variant: 'own-filter',
    side: 'client',
    keys: ['syn-sent', 'own-drop', 'no-address'],
  })
})

test('the address is one of this host: then it is the server whose rule it is', () => {
  const served = [socket, { local: remote, remote: local }]
  expect(verdict([syn(0), fell(0), syn(1000), fell(1000)], served).side).toBe('server')
})

test('near miss: no drop at any repeat, so it is not a rule of this host', () => {
  expect(verdict([syn(0), syn(1000), fell(500)])).toMatchObject({
    certainty: 'possible',
    variant: undefined,
    side: 'network',
    keys: ['syn-sent', 'not-own', 'looks-alike'],
  })
})

test('near miss: one repeat with a drop, one without', () => {
  expect(verdict([syn(0), fell(0), syn(1000)]).variant).toBeUndefined()
})

test('unknown: one moment is none', () => {
  expect(verdict([syn(0), fell(0)])).toMatchObject({
    certainty: 'possible',
    keys: ['syn-sent', 'looks-alike', 'own-unknown'],
  })
})

test('unknown: a filter that drops much else meets any SYN by chance', () => {
  const many = Array.from({ length: 450 }, (_, i) => fell((3 + i * 6.5) | 0))
  expect(verdict([syn(0), fell(0), syn(1000), fell(1000), ...many]).certainty).toBe('possible')
})

const rule = {
  rule: 'inet f in handle 7',
  client: 4026531840,
  to: '10.77.3.3 80',
  netns: 4026531840,
}

function withRule(sure: boolean, events: readonly KernelEvent[]) {
  const seen = machine({ sockets: [socket], events })
  const own = seen.after.namespaces[0]!.id
  const rules = [{ ...rule, sure, client: own, netns: own }]
  const [only] = judgeSynSent({ ...seen, synRules: { rules, unread: null } }).verdicts
  return { certainty: only!.certainty, variant: only!.variant, setting: only!.culprit.setting }
}

const paired = [syn(0), fell(0), syn(1000), fell(1000)]
const setting = 'nft rule: inet f in handle 7'

test.each([
  ['moments and a rule that fits: confirmed', true, paired, 'confirmed'],
  ['moments and a rule that may fit: likely', false, paired, 'likely'],
  ['a rule that fits, and nobody saw the moments: likely', true, [], 'likely'],
] as const)('%s', (_, sure, events, certainty) => {
  expect(withRule(sure, events)).toEqual({ certainty, variant: 'own-filter', setting })
})

test.each([
  ['near miss: a rule that may fit, and nobody saw the moments', false, []],
  [
    'near miss: a rule that fits, but nothing was dropped when SYNs were repeated',
    true,
    [syn(0), syn(900), fell(400)],
  ],
] as const)('%s', (_, sure, events) => {
  expect(withRule(sure, events)).toMatchObject({ certainty: 'possible', variant: undefined })
})
