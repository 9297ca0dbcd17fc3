import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bothWays } from './both.ts'
import { file, type Told, usual } from './frames.ts'

// Well over a thousand connections, so that rows expire, are buried and used again, and not every wait of a server is kept: what begins
// and ends without leaving the core.

type Part = Partial<Told>

/** Ways in which a connection goes: nearly all end cleanly, by either side, at once or late; the rest is trouble. */
const stories: readonly (readonly Part[])[] = [
  begun([{ seq: 1, ack: 1, flags: 0x18, length: 2 }, answer(3, 1460), ...closedByServer(3, 1461)]),
  begun([{ seq: 1, ack: 1, flags: 0x18, length: 2 }, answer(3, 1460), ...closedByClient(3, 1461)]),
  begun([{ seq: 1, ack: 1, flags: 0x18, length: 2 }, answer(3, 2000), ...closedByServer(3, 2001)]),
  begun([answer(1, 1460), { seq: 1, ack: 1461 }, ...closedByClient(1, 1461)]),
  begun(closedByClient(1, 1)),
  begun([
    { seq: 1, ack: 1, flags: 0x18, length: 2 },
    { fromServer: true, seq: 1, ack: 3, flags: 0x14 },
  ]),
  begun([
    { seq: 1, ack: 1, flags: 0x18, length: 2 },
    { seq: 1, ack: 1, flags: 0x18, length: 2, waitUs: 300_000 },
    answer(3, 1460),
    ...closedByServer(3, 1461),
  ]),
  [{ flags: 0x02, options: 'syn' }],
]

function begun(parts: readonly Part[]): Part[] {
  return [
    { flags: 0x02, options: 'syn' },
    { fromServer: true, flags: 0x12, ack: 1, options: 'syn' },
    { seq: 1, ack: 1 },
    ...parts,
  ]
}

function answer(ack: number, length: number): Part {
  return { fromServer: true, seq: 1, ack, flags: 0x18, length }
}

function closedByServer(client: number, server: number): Part[] {
  return [
    { fromServer: true, seq: server, ack: client, flags: 0x11 },
    { seq: client, ack: server + 1, flags: 0x11 },
    { fromServer: true, seq: server + 1, ack: client + 1 },
  ]
}

function closedByClient(client: number, server: number): Part[] {
  return [
    { seq: client, ack: server, flags: 0x11 },
    { fromServer: true, seq: server, ack: client + 1, flags: 0x11 },
    { seq: client + 1, ack: server + 1 },
  ]
}

const plan = fc.record({
  seed: fc.integer(),
  /** Ports that are used in turn: few of them come again while their tombs are fresh. */
  ports: fc.constantFrom(7, 300, 2000),
  /** Connections that are under way at one time. */
  together: fc.constantFrom(1, 5, 40),
  /** One in so many is of another host, has another TTL, goes another way. */
  odd: fc.constantFrom(3, 20, 1000),
  waitUs: fc.constantFrom(1, 50, 20_000, 2_000_000),
})

test('fuzz: many connections end the same, with the core and without', async () => {
  await fc.assert(
    fc.asyncProperty(plan, async (how) => {
      const capture = file(conversations(how))
      const { core, without } = await bothWays({ files: [capture] })
      expect(core).toEqual(without)
      // Who wants no facts of each gets them finished by the core.
      const alone = await bothWays({ files: [capture], eachConnection: false })
      expect(alone.core).toEqual(alone.without)
    }),
    { numRuns: 20 },
  )
}, 120_000)

interface Plan {
  seed: number
  ports: number
  together: number
  odd: number
  waitUs: number
}

function conversations({ seed, ports, together, odd, waitUs }: Plan): Told[] {
  let state = seed >>> 0
  const below = (n: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state >>> 8) % n
  }
  let begun = 0
  const next = (): Told[] => {
    const story = below(odd) === 0 ? below(stories.length) : below(4)
    const common = {
      port: 40_000 + (begun++ % ports),
      client: below(odd) === 0 ? 3 + below(3) : 1,
      ttl: below(odd) === 0 ? 57 : 64,
      waitUs,
    }
    return stories[story]!.map((part) => ({ ...usual, ...common, ...part }))
  }
  const running = Array.from({ length: together }, next)
  const all: Told[] = []
  while (all.length < 12_000) {
    const lane = below(together)
    all.push(running[lane]!.shift()!)
    if (running[lane]!.length === 0) running[lane] = next()
  }
  return all
}
