import { describe, expect, test } from 'vitest'
import { machine } from '../../test/helpers/machine.ts'
import type { KernelEvent } from '../host/events.ts'
import { kernelAgreement } from './kernel-agreement.ts'
import type { WireReset } from './stage/wire-resets.ts'

const SERVER = '10.64.2.2:80'
const CLIENT = '10.64.1.2:40000'
const wire = (over: Partial<WireReset> = {}): WireReset => ({
  at: 'client',
  atMs: 1000,
  from: SERVER,
  to: CLIENT,
  seq: 7,
  ...over,
})
const told = (over: Partial<KernelEvent> = {}): Partial<KernelEvent> => ({
  kind: 'reset-sent',
  local: { address: '10.64.2.2', port: 80 },
  remote: { address: '10.64.1.2', port: 40_000 },
  ...over,
})
const byClose = told({ reason: 'TCP_ABORT_ON_CLOSE', state: 'CLOSED', answers: false, pid: 7 })
const byListener = (atMs: number) =>
  told({
    local: { address: '0.0.0.0', port: 80 },
    remote: { address: '0.0.0.0', port: 0 },
    reason: 'TCP_FLAGS',
    state: 'LISTEN',
    answers: true,
    pid: null,
    timeNs: BigInt(atMs) * 1_000_000n,
  })
const eventsOf = (events: readonly Partial<KernelEvent>[]) => ({
  ...machine({ events }).events!,
  realtimeOffsetNs: 0n,
})
const accused = (cause: 'close-with-unread-data' | 'firewall-reject' | 'peer-restarted') => ({
  cause,
  connections: [{ client: CLIENT, server: SERVER }],
})

describe("the kernel's own reason beside what was concluded", () => {
  test.each([
    ['it is that', 'close-with-unread-data', [byClose], 'agrees', ['close-with-unread-data']],
    ['it is another', 'peer-restarted', [byClose], 'disagrees', ['close-with-unread-data']],
    ['no end sent it, as concluded', 'firewall-reject', [], 'agrees', ['elsewhere']],
    ['no end sent it', 'close-with-unread-data', [], 'disagrees', ['elsewhere']],
    ['an end did send it', 'firewall-reject', [byClose], 'disagrees', ['close-with-unread-data']],
    [
      'a listener at all addresses did, in that moment',
      'peer-restarted',
      [byListener(1002)],
      'agrees',
      ['unknown-connection-at-listener'],
    ],
    ['one did at another time', 'peer-restarted', [byListener(1200)], 'disagrees', ['elsewhere']],
  ] as const)('%s', (_, cause, events, is, makers) => {
    const found = kernelAgreement(accused(cause), [wire()], eventsOf(events))
    expect(found.is).toBe(is)
    expect(Object.keys(found.makers)).toEqual(makers)
  })

  test('a listener of another story resets in that moment too: not this frame, which its sender never had', () => {
    const makersAt = (at: string) =>
      kernelAgreement(
        accused('firewall-reject'),
        [wire({ sender: 'server' }), wire({ at, sender: 'server' })],
        eventsOf([byListener(1002)]),
      ).makers
    expect(makersAt('router')).toEqual({ elsewhere: 1 })
    expect(makersAt('server')).toEqual({ 'unknown-connection-at-listener': 1 })
  })

  test('behind a NAT: the same frame at the other place', () => {
    const seenThere = wire({ at: 'server', from: '10.64.2.2:8080', atMs: 1003 })
    const event = { ...byClose, local: { address: '10.64.2.2', port: 8080 } }
    const found = kernelAgreement(
      accused('close-with-unread-data'),
      [wire({ from: '10.64.99.3:80' }), wire({ from: SERVER, seq: 8 }), seenThere],
      eventsOf([event]),
    )
    expect(found).toMatchObject({ is: 'disagrees', makers: { elsewhere: 1 } })
    const translated = { ...accused('close-with-unread-data') }
    const own = [{ client: CLIENT, server: '10.64.99.3:80' }]
    const agreed = kernelAgreement(
      { ...translated, connections: own },
      [wire({ from: '10.64.99.3:80' }), seenThere],
      eventsOf([event]),
    )
    expect(agreed).toMatchObject({ is: 'agrees', fitting: 1, of: 1 })
  })

  test.each([
    ['resets of others only', accused('peer-restarted'), [wire({ to: '10.64.1.9:1' })], 'no-reset'],
    ['nothing was concluded', null, [wire()], 'no-claim'],
  ] as const)('nothing to compare: %s', (_, of, resets, is) => {
    expect(kernelAgreement(of, resets, eventsOf([byClose])).is).toBe(is)
  })

  test('the end that lives on when the other process died resets for reasons of its own', () => {
    const killed = { ...accused('peer-restarted'), cause: 'process-killed' as const }
    const ofClient = wire({ from: CLIENT, to: SERVER })
    const byClient = told({
      ...byClose,
      local: { address: '10.64.1.2', port: 40_000 },
      remote: { address: '10.64.2.2', port: 80 },
    })
    const is = (culprit: string) =>
      kernelAgreement({ ...killed, culprit }, [ofClient], eventsOf([byClient])).is
    expect(is('server')).toBe('no-reset')
    expect(is('client')).toBe('agrees')
  })

  test('nobody watched', () => {
    expect(kernelAgreement(accused('peer-restarted'), [wire()], null).is).toBe('not-watched')
  })
})
