import { describe, expect, test } from 'vitest'
import {
  ACK,
  connection,
  FIN,
  PSH,
  RST,
  reset,
  SYN,
  segment,
  unanswered,
} from '../../../test/helpers/facts.ts'
import type { ConnectionFacts, ResetFacts, Segment } from '../connection.ts'
import { crossingsOf, estimateClock } from './clock.ts'
import { compareViews } from './compare.ts'
import { digestOf } from './digest.ts'
import { pairConnections } from './pair.ts'
import type { View } from './view.ts'

/** One segment in the true time of the network: when its sender sent it, and whether it arrives. */
interface Wire extends Partial<Segment> {
  tMs: number
  lost?: boolean
  /** Only ever seen here. */
  only?: 'client' | 'server'
}

interface World {
  wires: readonly Wire[]
  forwardMs?: number
  backwardMs?: number
  /** Far clock minus near clock. */
  offsetMs?: number
  driftPpm?: number
  seqShift?: number
  partial?: Parameters<typeof connection>[0]
}

const FAR = 10_000

/** The same wire seen at the client and at the server, through NAT unless told otherwise. */
function world(
  id: number,
  { wires, ...how }: World,
): { near: ConnectionFacts; far: ConnectionFacts } {
  const { forwardMs = 5, backwardMs = 15, offsetMs = 0, driftPpm = 0 } = how
  const near: Segment[] = []
  const far: Segment[] = []
  wires.forEach((wire, i) => {
    const { lost = false, only, ...rest } = wire
    const base = segment({ tsVal: 1000 + i * 10, ...rest })
    const delay = base.from === 'client' ? forwardMs : backwardMs
    const atNear = base.from === 'client' ? wire.tMs : wire.tMs + delay
    const atFar = base.from === 'client' ? wire.tMs + delay : wire.tMs
    const farMs = atFar * (1 + driftPpm * 1e-6) + offsetMs
    const frame = id * 100 + i + 1
    const nearSees = only === 'client' || (only === undefined && (base.from === 'client' || !lost))
    const farSees = only === 'server' || (only === undefined && (base.from === 'server' || !lost))
    if (nearSees) near.push({ ...base, frame, tMs: atNear })
    if (farSees) far.push({ ...base, frame: frame + FAR, tMs: farMs })
  })
  const facts = (segments: Segment[], more: Parameters<typeof connection>[0]) =>
    connection({
      startMs: segments[0]?.tMs ?? 0,
      lastMs: segments.at(-1)?.tMs ?? 0,
      head: segments,
      tail: [],
      handshake: {
        ackFrame: segments.find((s) => s.flags === ACK && s.from === 'client')?.frame ?? null,
      },
      resets: segments.filter((s) => (s.flags & RST) !== 0).map(asReset),
      ...more,
      sides: {
        client: {
          isn: 0xffff_ff00 + id,
          packets: segments.filter((s) => s.from === 'client').length,
          ...more?.sides?.client,
        },
        server: {
          isn: 77 + id,
          packets: segments.filter((s) => s.from === 'server').length,
          ...more?.sides?.server,
        },
      },
    })
  return {
    near: facts(near, { id, ...how.partial }),
    far: facts(far, {
      id: id + FAR,
      client: { address: '203.0.113.9', port: 1024 + id, endpoint: `203.0.113.9:${1024 + id}` },
      ...how.partial,
    }),
  }
}

function asReset(s: Segment): ResetFacts {
  return reset({ ...s, trigger: null })
}

const handshake: Wire[] = [
  { tMs: 1000, flags: SYN, seq: 0, ack: 0 },
  { tMs: 1005, flags: SYN | ACK, from: 'server', seq: 0 },
  { tMs: 1020, flags: ACK },
  { tMs: 1021, flags: PSH | ACK, len: 100 },
  { tMs: 1030, from: 'server', flags: PSH | ACK, seq: 1, ack: 101, len: 500 },
]

function view(
  at: View['at'],
  connections: readonly ConnectionFacts[],
  more: Partial<View> = {},
): View {
  return {
    at,
    source: at,
    originNs: 0n,
    fromMs: -10_000,
    toMs: 100_000,
    dropped: 0,
    connections,
    segmentsOf: () => null,
    ...more,
  }
}

function compare(
  worlds: readonly ReturnType<typeof world>[],
  near: Partial<View> = {},
  far: Partial<View> = {},
) {
  return compareViews([
    view(
      'server',
      worlds.map((w) => w.far),
      far,
    ),
    view(
      'client',
      worlds.map((w) => w.near),
      near,
    ),
  ])
}

function fatesIn(comparison: ReturnType<typeof compare>, id = 0) {
  return (comparison.facts.fates.get(id) ?? []).map((f) => `${f.from} ${f.kind} ${f.fate}`)
}

describe('pairs', () => {
  test('through NAT by both initial sequence numbers', () => {
    const comparison = compare([world(0, { wires: handshake }), world(1, { wires: handshake })])
    expect(comparison.paired).toBe(2)
    expect(comparison.translated).toBe(2)
    expect(comparison.unpaired).toEqual({ client: 0, server: 0 })
    expect(fatesIn(comparison)).toEqual([
      'client syn delivered',
      'server syn-ack delivered',
      'client ack delivered',
      'client data delivered',
      'server data delivered',
    ])
  })

  test('a firewall that rewrites sequence numbers: by timestamps', () => {
    const a = world(0, { wires: handshake })
    a.far.sides.client.isn = 1
    const far = view('server', [a.far])
    expect(pairConnections(view('client', [a.near]), far).map((p) => p.by)).toEqual(['timestamps'])
  })

  test('a SYN proxy: by the client alone, and nothing is told of two handshakes', () => {
    const w = world(0, { wires: handshake })
    w.far.sides.server.isn = 4711
    for (const s of w.far.head.filter((s) => s.from === 'server')) {
      Object.assign(s, { tsVal: (s.tsVal ?? 0) + 5000, ipId: 0 })
    }
    const comparison = compare([w])
    expect(comparison.pairs[0]!.by).toBe('client-isn')
    expect(comparison.split).toBe(1)
    expect(fatesIn(comparison)).toEqual(['client data delivered', 'server data delivered'])
  })

  test('a firewall that rewrites the numbers of the server passes its SYN-ACK on', () => {
    const w = world(0, { wires: handshake })
    w.far.sides.server.isn = 4711
    const comparison = compare([w])
    expect(comparison.split).toBe(0)
    expect(comparison.changes).toEqual({ 'sequence numbers rewritten': 1 })
  })

  test.each([
    ['as other packets: a proxy, not compared', 1000, 0, 1],
    ['in the same packets, by their IP-IDs', 0, 1, 0],
  ])('the same payload %s', (_, apart, paired, relayed) => {
    const wires = handshake.map((w, i) => ({ ...w, tsVal: null, ipId: 70 + i }))
    const w = world(0, { wires })
    w.far.sides.client.isn = 1
    w.far.sides.server.isn = 2
    for (const s of w.far.head) s.ipId += apart
    for (const c of [w.near, w.far]) c.sides.server.payloadOctets = 500
    const comparison = compare([w])
    expect([comparison.paired, comparison.relayed]).toEqual([paired, relayed])
  })

  test('two that cannot be told apart are left unpaired', () => {
    const bare = handshake.map((w) => ({ ...w, tsVal: null }))
    const worlds = [0, 1].map((id) => world(id, { wires: bare }))
    for (const w of worlds) {
      w.near.sides.client.isn = 500
      w.far.sides.client.isn = 600
    }
    expect(compare(worlds).paired).toBe(0)
  })

  test('a SYN that got no answer is paired by the client alone', () => {
    const w = world(0, { wires: handshake.slice(0, 1) })
    w.near.sides.server.isn = null
    w.far.sides.server.isn = null
    expect(compare([w]).pairs[0]!.by).toBe('client-isn')
  })
})

describe('clocks', () => {
  test('offset within its stated error though the two directions differ', () => {
    const near = view('client', [world(0, { wires: handshake, offsetMs: 3_600_000 }).near])
    const far = view('server', [world(0, { wires: handshake, offsetMs: 3_600_000 }).far])
    const clock = estimateClock(crossingsOf(near, far, pairConnections(near, far)))
    expect(clock.uncertaintyMs).toBeCloseTo(10)
    expect(Math.abs(clock.offsetMs - 3_600_000)).toBeLessThanOrEqual(clock.uncertaintyMs)
  })

  test('drift shows over a minute, and queues do not look like it', () => {
    const worlds = Array.from({ length: 60 }, (_, id) =>
      world(id, {
        wires: handshake.map((w) => ({ ...w, tMs: w.tMs + id * 1000 })),
        forwardMs: 0.2 + (id % 7),
        backwardMs: 0.2 + (id % 5),
        offsetMs: -500,
        driftPpm: 200,
      }),
    )
    const near = view(
      'client',
      worlds.map((w) => w.near),
    )
    const far = view(
      'server',
      worlds.map((w) => w.far),
    )
    const clock = estimateClock(crossingsOf(near, far, pairConnections(near, far)))
    expect(clock.driftPpm).toBeGreaterThan(120)
    expect(clock.driftPpm).toBeLessThan(280)
    const steady = estimateClock(
      crossingsOf(
        near,
        view(
          'server',
          worlds.map((w) => w.near),
        ),
        [],
      ),
    )
    expect(steady.uncertaintyMs).toBe(Number.POSITIVE_INFINITY)
  })

  test('origins of the two captures count', () => {
    const w = world(0, { wires: handshake })
    const [clock] = compare([w], {}, { originNs: 2_000_000_000n, fromMs: -9000 }).clocks
    expect(clock!.offsetMs).toBeCloseTo(2000 - 5)
  })
})

const dataIn = (comparison: ReturnType<typeof compare>) => comparison.facts.data?.get(0)

describe('fates', () => {
  const cut: Wire = { tMs: 2000, from: 'server', flags: RST, seq: 501, tsVal: null, ack: 0 }

  test('a reset that the server never sent was injected', () => {
    const comparison = compare([world(0, { wires: [...handshake, { ...cut, only: 'client' }] })])
    expect(fatesIn(comparison)).toContain('server reset injected')
    expect(comparison.fates.injected).toBe(1)
    expect(comparison.kinds).toEqual({ lost: {}, injected: { reset: 1 } })
    const fate = comparison.facts.fates.get(0)!.find((f) => f.kind === 'reset')!
    expect(fate).toMatchObject({ frame: 6, seenAt: 'client', what: null })
  })

  test('a reset that the server sent is delivered, whatever the clocks say', () => {
    const comparison = compare([world(0, { wires: [...handshake, cut], offsetMs: -7777 })])
    expect(fatesIn(comparison)).toContain('server reset delivered')
  })

  test('a reset that never reached the client was lost', () => {
    const comparison = compare([world(0, { wires: [...handshake, { ...cut, lost: true }] })])
    // The server's view has the reset, so it tells the story.
    expect(comparison.pairs[0]!.primary).toBe('far')
    expect(fatesIn(comparison, FAR)).toContain('server reset lost')
  })

  test('nobody can tell when the other capture began later, ended before, or dropped packets', () => {
    const worlds = [world(0, { wires: [...handshake, { ...cut, only: 'client' }] })]
    for (const far of [{ toMs: 1500 }, { dropped: 3 }]) {
      expect(fatesIn(compare(worlds, {}, far))).not.toContain('server reset injected')
    }
    const late = world(1, { wires: [...handshake, { ...cut, only: 'client' }] })
    late.far.head = late.far.head.slice(4)
    late.far.sawStart = false
    late.far.startMs = late.far.head[0]!.tMs
    late.far.sides.client.isn = null
    late.far.sides.server.isn = null
    const fates = fatesIn(compare([worlds[0]!, late]), 1)
    expect(fates.filter((f) => /lost|injected/.test(f))).toEqual([])
  })

  test('nor when the other capture holds only some of the segments', () => {
    const w = world(0, { wires: [...handshake, { ...cut, only: 'client' }] })
    w.far.sides.server.missingOctets = 100
    expect(fatesIn(compare([w]))).not.toContain('server reset injected')
  })

  test('data lost, its retransmission delivered', () => {
    const lost: Wire = { tMs: 1100, flags: PSH | ACK, seq: 101, ack: 501, len: 50, lost: true }
    const again: Wire = { tMs: 1310, flags: PSH | ACK, seq: 101, ack: 501, len: 50 }
    for (const tsVal of [undefined, null]) {
      const told = tsVal === null ? { tsVal } : {}
      const wires = [...handshake, lost, again].map((w) => ({ ...w, ...told }))
      expect(fatesIn(compare([world(0, { wires })])).slice(-2)).toEqual([
        'client data lost',
        'client data delivered',
      ])
    }
  })

  test('a super-segment that arrives in pieces is delivered', () => {
    const wires: Wire[] = [
      ...handshake,
      { tMs: 1100, flags: ACK, seq: 101, ack: 501, len: 2896, only: 'client', tsVal: 5000 },
      { tMs: 1105, flags: ACK, seq: 101, ack: 501, len: 1448, only: 'server', tsVal: 5000 },
      { tMs: 1105, flags: ACK, seq: 1549, ack: 501, len: 1448, only: 'server', tsVal: 5000 },
    ]
    const comparison = compare([world(0, { wires, forwardMs: 0.1 })])
    expect(comparison.fates.lost + comparison.fates.injected).toBe(0)
    expect(dataIn(comparison)).toEqual({ compared: 3, lost: 0, firstFrame: null })
  })

  test('of all data segments, also those in the middle of a long answer, how many never arrived', () => {
    const answer = Array.from(
      { length: 40 },
      (_, i): Wire => ({
        tMs: 1100 + i,
        from: 'server',
        flags: ACK,
        seq: 501 + i * 1000,
        ack: 101,
        len: 1000,
        lost: i === 15 || i === 20,
      }),
    )
    const again = { ...answer[15]!, tMs: 1160, lost: false }
    const w = world(0, { wires: [...handshake, ...answer, again] })
    // The second one was never sent again: then the far end acknowledged what the near capture must have missed.
    expect(dataIn(compare([w]))).toMatchObject({ compared: 43, lost: 2 })
    w.near.sides.server.missingOctets = 1000
    expect(dataIn(compare([w]))).toMatchObject({ compared: 1, lost: 0 })
  })

  test('a copy sent within the time of a queue does not stand for the segment that was lost', () => {
    const lost: Wire = { tMs: 1100, flags: PSH | ACK, seq: 101, ack: 501, len: 50, lost: true }
    const again: Wire = { ...lost, tMs: 1103, lost: false }
    for (const tsVal of [undefined, null, 7000]) {
      const told = tsVal === undefined ? {} : { tsVal }
      const w = world(0, { wires: [...handshake, { ...lost, ...told }, { ...again, ...told }] })
      expect(dataIn(compare([w]))).toMatchObject({ compared: 4, lost: 1 })
    }
  })

  test('a clamped MSS makes the SYN altered', () => {
    const w = world(0, { wires: handshake })
    w.far.sides.client.mss = 1380
    const fate = compare([w])
      .facts.fates.get(0)!
      .find((f) => f.kind === 'syn')
    expect(fate).toMatchObject({ fate: 'altered', what: 'MSS 1460 -> 1380' })
    expect(compare([w]).changes).toEqual({ 'MSS 1460 -> 1380': 1 })
  })

  test('SYNs that no longer arrive, beside connections that did', () => {
    const dead = unanswered({ id: 7, sides: { client: { isn: 9 }, server: { isn: null } } })
    const good = world(0, { wires: handshake })
    const near = view('client', [good.near, dead])
    const far = view('server', [good.far])
    expect(
      compareViews([near, far])
        .facts.fates.get(7)!
        .map((f) => f.fate),
    ).toEqual(['lost', 'lost', 'lost'])
    // Never seen to get through to that endpoint: it may be another machine.
    expect(compareViews([view('client', [dead]), far]).facts.fates.size).toBe(0)
  })

  test('what is missing at an address that is translated went perhaps to another server: nothing is told of it', () => {
    const dead = unanswered({ id: 7, sides: { client: { isn: 9 }, server: { isn: null } } })
    const good = world(0, { wires: handshake })
    good.far.server = { address: '10.99.9.9', port: 8080, endpoint: '10.99.9.9:8080' }
    const comparison = compareViews([view('client', [good.near, dead]), view('server', [good.far])])
    expect(comparison.facts.fates.get(7)).toBeUndefined()
    expect(comparison.facts.absent).toEqual(new Set())
    expect(comparison.elsewhere).toEqual({ [dead.server.endpoint]: 1 })
    expect(comparison.facts.services).toEqual(new Set([dead.server.address]))
    expect(comparison.facts.views?.get(0)?.server).toBe('10.99.9.9:8080')
  })

  test('SYNs to another port of the same host: only if the other capture was not of one port', () => {
    const port = { address: '10.77.2.2', port: 8443, endpoint: '10.77.2.2:8443' }
    const isns = { client: { isn: 9 }, server: { isn: null } }
    const dead = unanswered({ id: 7, server: port, sides: isns })
    const good = world(0, { wires: handshake })
    const near = view('client', [good.near, dead])
    const onePort = compareViews([near, view('server', [good.far])]).facts
    expect(onePort.fates.get(7)).toBeUndefined()
    expect(onePort.absent).toEqual(new Set([7]))
    const ssh = connection({ id: FAR + 9, server: { ...port, port: 22, endpoint: '10.77.2.2:22' } })
    expect(compareViews([near, view('server', [good.far, ssh])]).facts.fates.get(7)).toHaveLength(3)
  })

  test('a refused SYN to another port of a host that the far view knows by its own address only', () => {
    const port = { address: '10.77.2.2', port: 8003, endpoint: '10.77.2.2:8003' }
    const isns = { client: { isn: 9 }, server: { isn: null } }
    const dead = unanswered({ id: 7, server: port, sides: isns, ending: 'refused' })
    const good = world(0, { wires: handshake })
    good.near.server = { address: '10.99.9.9', port: 8080, endpoint: '10.99.9.9:8080' } // behind a VIP
    const facts = compareViews([
      view('client', [good.near, dead]),
      view('server', [good.far]),
    ]).facts
    expect(facts.absent).toEqual(new Set([7]))
    const elsewhere = { ...port, address: '10.77.3.3', endpoint: '10.77.3.3:8003' }
    const other = { ...dead, server: elsewhere }
    const near = view('client', [good.near, other])
    expect(compareViews([near, view('server', [good.far])]).facts.absent).toEqual(new Set())
  })

  test('of two equal resets the other capture kept one: nobody forged the second', () => {
    const twice: Wire[] = [cut, { ...cut, tMs: cut.tMs + 0.1, only: 'client' }]
    const fates = fatesIn(compare([world(0, { wires: [...handshake, ...twice] })]))
    expect(fates).not.toContain('server reset injected')
  })

  test('a NAT that forgot a connection: its next segment arrives from another port', () => {
    const request: Wire = { tMs: 9000, flags: PSH | ACK, seq: 101, ack: 501, len: 40, tsVal: 77 }
    const reply: Wire = { ...cut, tMs: 9010, tsVal: null }
    const whole = world(0, { wires: [...handshake, request, reply] })
    const old = world(0, { wires: handshake })
    whole.near.sides.client.seqBase = 7_000
    whole.near.sides.server.seqBase = 9_000
    old.far.sides.client.isn = whole.near.sides.client.isn
    old.far.sides.server.isn = whole.near.sides.server.isn
    const stray = world(1, { wires: [request, reply] }).far
    stray.sawStart = false
    stray.sides.client.seqBase = 7_000
    stray.sides.server.seqBase = 9_000
    stray.sides.client.isn = null
    stray.sides.server.isn = null
    const near = view('client', [whole.near])
    const comparison = compareViews([near, view('server', [old.far, stray])])
    expect(comparison.continued).toEqual(new Map([[stray.id, whole.near.id]]))
    const data = comparison.facts.fates.get(whole.near.id)!.findLast((f) => f.kind === 'data')
    expect(data).toMatchObject({ fate: 'altered', renamed: stray.client.endpoint })
  })

  test('a RST and a RST,ACK of the same moment are two packets', () => {
    const injected: Wire = { ...cut, only: 'client' }
    const own: Wire = { ...cut, tMs: 1990, flags: RST | ACK, seq: 502, lost: true }
    const fates = fatesIn(compare([world(0, { wires: [...handshake, own, injected] })]))
    expect(fates.slice(-2).toSorted()).toEqual(['server reset injected', 'server reset lost'])
  })

  test('the router says on which half of the way', () => {
    const cutOff = world(0, { wires: [...handshake, { ...cut, only: 'client' }] })
    const middle = world(0, { wires: handshake })
    const router = { ...middle.far, id: 5 * FAR }
    const comparison = compareViews([
      view('client', [cutOff.near]),
      view('router', [router]),
      view('server', [cutOff.far]),
    ])
    expect(comparison.clocks.map((c) => c.source)).toEqual(['router', 'server'])
    const fate = comparison.facts.fates.get(0)!.find((f) => f.kind === 'reset')
    expect(fate).toMatchObject({ fate: 'injected', what: 'between client and router' })
  })

  test('a capture of both sides of a NAT counts as its side that is nearer to the other end', () => {
    const cutOff = world(0, { wires: [...handshake, { ...cut, only: 'client' }] })
    const bothSides = [{ ...cutOff.near, id: 5 * FAR }, cutOff.far]
    const comparison = compareViews([view('client', [cutOff.near]), view('server', bothSides)])
    expect(fatesIn(comparison)).toContain('server reset injected')
    expect(comparison.hidden).toEqual([5 * FAR])
    expect(comparison.unpaired).toEqual({ client: 0, server: 0 })
  })

  test.each([
    ['in the router', 'near'],
    ['between client and router', 'neither'],
    ['between router and server', 'both'],
  ] as const)('the capture of both sides of a router says that it was %s', (part, seen) => {
    const cutOff = world(0, { wires: [...handshake, { ...cut, only: 'client' }] })
    const passed = world(0, { wires: [...handshake, cut] })
    const clean = world(0, { wires: handshake })
    const near = seen === 'neither' ? clean.near : cutOff.near
    const far = seen === 'both' ? passed.far : clean.far
    const router = [
      { ...near, id: 5 * FAR },
      { ...far, id: 6 * FAR },
    ]
    const comparison = compareViews([
      view('client', [cutOff.near]),
      view('router', router),
      view('server', [cutOff.far]),
    ])
    const fate = comparison.facts.fates.get(0)!.find((f) => f.kind === 'reset')
    expect(fate).toMatchObject({ fate: 'injected', what: part })
    expect(comparison.parts).toEqual({ [part]: { lost: 0, injected: 1 } })
  })

  test('data whose octets differ at the two ends was altered', () => {
    const octets = (text: string) => digestOf(Buffer.from(text.repeat(20)))
    const rewritten = {
      near: { digestOf: () => octets('as sent') },
      far: { digestOf: () => octets('as read') },
    }
    const worlds = [world(0, { wires: handshake })]
    const { changes, fates } = compare(worlds, rewritten.near, rewritten.far)
    expect(changes).toEqual({ 'payload rewritten': 2 })
    expect(fates).toMatchObject({ altered: 2, lost: 0 })
    expect(compare(worlds, rewritten.near, rewritten.near).changes).toEqual({})
    expect(compare(worlds, rewritten.near).changes).toEqual({})
  })

  test('options that one capture cut off are not altered, and its clock is known all the same', () => {
    const w = world(0, { wires: handshake })
    for (const s of w.far.head) Object.assign(s, { tsVal: null, tsEcr: null, options: true })
    for (const side of [w.far.sides.client, w.far.sides.server]) {
      Object.assign(side, { mss: null, windowScale: null, sackPermitted: false, timestamps: false })
    }
    const comparison = compare([w])
    expect(comparison.fates).toEqual({ delivered: 5, lost: 0, altered: 0, injected: 0 })
    expect(comparison.clocks[0]!.uncertaintyMs).toBeCloseTo(10)
  })

  test('FINs are followed too', () => {
    const fin: Wire = { tMs: 3000, flags: FIN | ACK, seq: 101, ack: 501, lost: true }
    expect(fatesIn(compare([world(0, { wires: [...handshake, fin] })])).at(-1)).toBe(
      'client fin lost',
    )
  })
})

describe('half handshakes', () => {
  const half: Wire[] = [
    { tMs: 1000, flags: SYN, seq: 0, ack: 0 },
    { tMs: 1005, flags: SYN | ACK, from: 'server', seq: 0, lost: true },
  ]
  const halfWorld = () => {
    const w = world(1, { wires: half })
    w.near.sides.server.isn = null
    w.near.handshake.synAckMs = null
    w.far.handshake.synAckMs = 1005
    return w
  }

  test('a SYN-ACK that never arrived was lost, however soon after the capture began', () => {
    const comparison = compare([world(0, { wires: handshake }), halfWorld()], { fromMs: 1000 })
    expect(comparison.pairs.map((p) => p.by)).toEqual(['isn', 'client-isn'])
    expect(fatesIn(comparison, 1)).toContain('server syn-ack lost')
    expect([...(comparison.facts.answered ?? [])]).toEqual([1])
  })

  test('it counts as sent even where the near capture ended before it could arrive', () => {
    const comparison = compare([world(0, { wires: handshake }), halfWorld()], { toMs: 1006 })
    expect(fatesIn(comparison, 1)).not.toContain('server syn-ack lost')
    expect([...(comparison.facts.answered ?? [])]).toEqual([1])
  })
})

describe('gaps of a capture', () => {
  const gappy = (missingOctets: number) => {
    const other = world(1, { wires: handshake })
    other.far.sides.client.missingOctets = missingOctets
    return other
  }
  const withReset = (): ReturnType<typeof world> =>
    world(0, {
      wires: [...handshake, { tMs: 1040, from: 'server', flags: RST, seq: 501, only: 'client' }],
    })

  test.each([
    ['complete', 0, true],
    ['lacking octets at that time', 10, false],
  ])(
    "what its sender's capture has not is injected only where that capture is complete: %s",
    (_, missing, injected) => {
      const fates = fatesIn(compare([withReset(), gappy(missing)]))
      expect(fates.includes('server reset injected')).toBe(injected)
    },
  )

  test('a SYN beside answered connections that the far capture dropped is judged, outside of the gap', () => {
    const unanswered = (id: number, tMs: number) => {
      const { near } = world(id, { wires: [{ tMs, flags: SYN, seq: 0, ack: 0 }] })
      near.handshake.synAckMs = null
      near.sides.server.isn = null
      return near
    }
    const dropped = world(3, { wires: handshake.map((w) => ({ ...w, tMs: w.tMs + 5000 })) }).near
    const lostSyn = unanswered(4, 3000)
    const inTheGap = unanswered(5, 6010)
    const pairs = [world(0, { wires: handshake }), gappy(9)]
    const judged = compareViews([
      view('client', [...pairs.map((w) => w.near), dropped, lostSyn, inTheGap]),
      view(
        'server',
        pairs.map((w) => w.far),
      ),
    ])
    expect(fatesIn(judged, 4)).toEqual(['client syn lost'])
    expect(fatesIn(judged, 5)).toEqual([])
  })
})

describe('exchanged captures', () => {
  const hops = (id: number, client: [number, number], server: [number, number]) => {
    const w = world(id, { wires: handshake })
    for (const [side, [near, far]] of Object.entries({ client, server })) {
      w.near.sides[side as 'client'].ttls = [near]
      w.far.sides[side as 'client'].ttls = [far]
    }
    return w
  }
  const right = (id: number) => hops(id, [64, 63], [63, 64])
  const wrong = (id: number) => hops(id, [63, 64], [64, 63])
  const flat = (id: number) => hops(id, [64, 64], [64, 64])

  test.each([
    ['right', [right(0), right(1), right(2)], null],
    ['no router in between', [flat(0), flat(1), flat(2)], null],
    ['TTLs of one direction set anew', [hops(0, [63, 255], [63, 64])], null],
    ['not told by one of the captures', [hops(0, [0, 64], [0, 64])], null],
    ['all the wrong way round', [wrong(0), wrong(1), wrong(2)], 'surely'],
    ['too few to be sure', [wrong(0), wrong(1)], 'perhaps'],
    ['most', [wrong(0), wrong(1), wrong(2), right(3)], 'perhaps'],
    ['as many one way as the other', [wrong(0), right(1)], null],
  ] as const)('%s', (_, worlds, expected) => {
    expect(compare(worlds).exchanged).toBe(expected)
  })
})
