import { describe, expect, test } from 'vitest'
import type { EventsFacts, KernelEvent } from './events.ts'
import { type ResetContext, resetStory } from './reset-story.ts'
import { noEvents } from './tracefs/replay.ts'

const SERVER = { address: '10.0.0.1', port: 443 }
const CLIENT = { address: '10.0.0.2', port: 50000 }

function event(of: Partial<KernelEvent>): KernelEvent {
  return {
    kind: 'reset-sent',
    event: 'tcp/tcp_send_reset',
    timeNs: 1_000_000_000n,
    pid: null,
    command: null,
    local: SERVER,
    remote: CLIENT,
    state: null,
    from: null,
    reason: null,
    answers: null,
    cookie: null,
    afterFin: null,
    socket: null,
    dying: false,
    ...of,
  }
}

function context(
  of: Partial<Omit<ResetContext, 'events'>> & {
    events?: KernelEvent[]
    facts?: Partial<EventsFacts>
  } = {},
): ResetContext {
  const { events = [], facts = {}, ...rest } = of
  const all = { ...noEvents([]), events, ...facts }
  return { abortOnOverflow: null, listenOverflows: null, ...rest, events: all }
}

const answering = { answers: true, pid: null } as const
const closing = { answers: false, pid: 7, state: 'CLOSED' } as const

describe('the kernel tells a reason that has one cause', () => {
  test.each<[string, Partial<KernelEvent>]>([
    ['unknown-connection-at-listener', { ...answering, reason: 'TCP_FLAGS', state: 'LISTEN' }],
    ['data-after-full-close', { ...answering, reason: 'TCP_TIMEWAIT_SOCKET', state: 'TIME-WAIT' }],
    ['data-after-close', { ...answering, reason: 'TCP_ABORT_ON_DATA', state: 'CLOSED' }],
    ['data-after-close', { answers: true, pid: 7, reason: 'TCP_ABORT_ON_DATA', state: 'CLOSED' }],
    [
      'answer-of-old-connection',
      { ...answering, reason: 'TCP_INVALID_ACK_SEQUENCE', state: 'SYN-SENT' },
    ],
    [
      'answer-with-wrong-timestamp',
      { ...answering, reason: 'TCP_RFC7323_PAWS', state: 'SYN-SENT' },
    ],
    ['bad-ack-in-handshake', { ...answering, reason: 'TCP_OLD_ACK', state: 'SYN-RECEIVED' }],
    ['close-with-unread-data', { ...closing, reason: 'TCP_ABORT_ON_CLOSE' }],
    ['linger-zero-with-unsent-data', { ...closing, reason: 'TCP_DISCONNECT_WITH_DATA' }],
    ['linger2-negative', { ...closing, reason: 'TCP_ABORT_ON_LINGER' }],
    ['out-of-memory', { ...closing, reason: 'TCP_ABORT_ON_MEMORY' }],
    ['out-of-memory', { answers: false, reason: 'TCP_ABORT_ON_MEMORY', state: 'FIN-WAIT-1' }],
    [
      'keepalive-timeout',
      { answers: false, reason: 'TCP_KEEPALIVE_TIMEOUT', state: 'ESTABLISHED' },
    ],
    ['killed-by-administrator', { ...closing, reason: 'TCP_STATE', state: 'ESTABLISHED' }],
    ['linger-zero', { ...closing, reason: 'TCP_STATE' }],
    ['fin-wait-2-timeout', { answers: false, reason: 'TCP_STATE', state: 'FIN-WAIT-2' }],
  ])('%s: %j', (cause, of) => {
    expect(resetStory(event(of), context()).causes).toEqual([cause])
  })

  test.each(['ERROR', 'MPTCP_RST_EMPTCP', 'SOMETHING_NEW'])(
    '%s says nothing, and nothing is made of it',
    (reason) => {
      expect(resetStory(event({ ...closing, reason }), context())).toMatchObject({
        causes: [],
        decides: [],
      })
    },
  )
})

describe('NO_SOCKET: a SYN, or a segment of a connection that is not known', () => {
  const reset = event({ ...answering, reason: 'NO_SOCKET' })
  const error = (reason: string, of: Partial<KernelEvent> = {}) =>
    event({
      kind: 'error',
      reason,
      local: CLIENT,
      remote: SERVER,
      timeNs: reset.timeNs + 9_000n,
      ...of,
    })

  test('only a packet decides where the peer is elsewhere', () => {
    expect(resetStory(reset, context())).toEqual({
      causes: ['syn-to-closed-port', 'unknown-connection'],
      decides: ['client-error', 'packet'],
      culprit: null,
    })
  })

  test('the error of a client on this host decides', () => {
    expect(resetStory(reset, context({ events: [error('ECONNREFUSED')] })).causes).toEqual([
      'syn-to-closed-port',
    ])
    expect(resetStory(reset, context({ events: [error('ECONNRESET')] })).causes).toEqual([
      'unknown-connection',
    ])
  })

  test('an error of another connection, or of another time, does not', () => {
    const others = [
      error('ECONNREFUSED', { local: { ...CLIENT, port: 1 } }),
      error('ECONNREFUSED', { timeNs: reset.timeNs - 1n }),
      error('ECONNREFUSED', { timeNs: reset.timeNs + 2_000_000_000n }),
    ]
    expect(resetStory(reset, context({ events: others })).causes).toHaveLength(2)
  })
})

describe('INVALID_SYN: an overflow with abort, or a second SYN', () => {
  const reset = event({ ...answering, reason: 'INVALID_SYN', state: 'LISTEN', remote: null })

  test.each<[boolean | null, number | null, string[], string[]]>([
    [true, 4, ['accept-queue-overflow'], []],
    [false, 4, ['syn-in-handshake'], []],
    [true, 0, ['syn-in-handshake'], []],
    [null, 4, ['accept-queue-overflow', 'syn-in-handshake'], ['abort-on-overflow', 'packet']],
    [true, null, ['accept-queue-overflow', 'syn-in-handshake'], ['listen-overflows', 'packet']],
  ])('abort %s, overflows %s', (abortOnOverflow, listenOverflows, causes, decides) => {
    const story = resetStory(reset, context({ abortOnOverflow, listenOverflows }))
    expect(story).toEqual({ causes, decides, culprit: null })
  })
})

describe('TCP_STATE: linger 0, or a listener that closes', () => {
  const reset = event({ ...closing, reason: 'TCP_STATE', command: 'nginx' })
  const closed = (of: Partial<KernelEvent> = {}) =>
    event({
      kind: 'state',
      from: 'LISTEN',
      state: 'CLOSED',
      pid: 7,
      local: { address: '0.0.0.0', port: 443 },
      remote: null,
      timeNs: reset.timeNs - 50_000n,
      ...of,
    })

  test('its listener was closed a moment before, by the same process', () => {
    const story = resetStory(reset, context({ events: [closed()] }))
    expect(story).toEqual({
      causes: ['listener-closed'],
      decides: [],
      culprit: { pid: 7, command: 'nginx', dying: false },
    })
  })

  test.each<[string, Partial<KernelEvent>]>([
    ['another port', { local: { address: '0.0.0.0', port: 80 } }],
    ['another process', { pid: 8 }],
    ['afterwards', { timeNs: reset.timeNs + 1n }],
    ['long before', { timeNs: reset.timeNs - 900_000_000n }],
  ])('near miss: a listener was closed, %s', (_, of) => {
    expect(resetStory(reset, context({ events: [closed(of)] })).causes).toEqual(['linger-zero'])
  })

  test('a process that dies closes both in one moment', () => {
    const story = resetStory({ ...reset, dying: true }, context({ events: [closed()] }))
    expect(story.causes).toEqual(['listener-closed', 'linger-zero'])
    expect(story.decides).toEqual(['owner-of-socket'])
  })

  test.each<[string, Partial<EventsFacts>]>([
    [
      'states were not watched',
      { missing: [{ what: 'x', why: 'no-event', adds: 'states', detail: '' }] },
    ],
    ['events were lost', { lost: 3 }],
    [
      'of many like it only the first were kept',
      {
        groups: [
          {
            kind: 'state',
            reason: 'LISTEN > CLOSED',
            service: SERVER,
            side: 'local',
            pid: null,
            count: 90,
            firstNs: 0n,
            lastNs: 9n,
          },
        ],
      },
    ],
  ])('cannot be told: %s', (_, facts) => {
    const story = resetStory(reset, context({ facts }))
    expect(story.causes).toEqual(['listener-closed', 'linger-zero'])
    expect(story.decides).toEqual(['listener-state'])
  })
})

describe('kernels that do not tell', () => {
  test.each([null, 'NOT_SPECIFIED'])(
    '%s at close: what can be is listed, and that a reason would decide',
    (reason) => {
      const story = resetStory(event({ ...closing, reason }), context())
      expect(story.causes).toContain('close-with-unread-data')
      expect(story.causes).toContain('linger-zero')
      expect(story.causes).not.toContain('keepalive-timeout') // a timer has no process
      expect(story.causes).not.toContain('data-after-close') // nothing is answered
      expect(story.decides).toEqual(['kernel-reason'])
    },
  )

  test('in an interrupt, of itself, ESTABLISHED: only keepalive does that', () => {
    const story = resetStory(event({ answers: false, state: 'ESTABLISHED' }), context())
    expect(story.causes).toEqual(['keepalive-timeout', 'out-of-memory'])
  })

  test('at a listener: three', () => {
    const story = resetStory(
      event({ ...answering, state: 'LISTEN' }),
      context({ abortOnOverflow: true, listenOverflows: 2 }),
    )
    expect(story.causes).toEqual(['unknown-connection-at-listener', 'accept-queue-overflow'])
  })
})

test('who answers a packet did not decide to: no culprit', () => {
  const story = resetStory(
    event({ answers: true, pid: 7, reason: 'TCP_ABORT_ON_DATA', state: 'CLOSED' }),
    context(),
  )
  expect(story.culprit).toBeNull()
})
