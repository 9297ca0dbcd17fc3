import type { SegmentFate } from '../evidence.ts'
import { fatesOfPair, isQuiet } from './fates.ts'
import { type Link, link } from './link.ts'
import type { OneSided } from './one-sided.ts'
import type { Pair, View } from './view.ts'

// A third capture in the middle says on which part of the way something happened.

export const PARTS = [
  'between client and router',
  'in the router',
  'between router and server',
] as const
export type Part = (typeof PARTS)[number]

/** Between each end and each side of the router; both sides are one where its capture does not tell them apart. */
export interface Legs {
  toRouter: Link
  throughRouter: Link
  fromRouter: Link
  /** Seen from the server: to the router's side that is nearer to the client. */
  backThroughRouter: Link
}

/** By id of a connection at one end: those of the router's capture that are the same. */
export function routedOf({ toRouter, fromRouter }: Legs): ReadonlyMap<number, number> {
  return new Map([
    ...toRouter.pairs.map((p) => [p.near.id, p.far.id] as const),
    ...fromRouter.pairs.map((p) => [p.far.id, p.near.id] as const),
  ])
}

/** How often what was lost, or injected, was so on which part of the way. */
export function countParts(
  fates: ReadonlyMap<number, readonly SegmentFate[]>,
): Partial<Record<Part, { lost: number; injected: number }>> {
  const counts: ReturnType<typeof countParts> = {}
  for (const { fate, what } of [...fates.values()].flat()) {
    const part = PARTS.find((p) => p === what)
    if (part === undefined || (fate !== 'lost' && fate !== 'injected')) continue
    const own = counts[part] ?? { lost: 0, injected: 0 }
    own[fate]++
    counts[part] = own
  }
  return counts
}

export function legsOf(near: View, middle: OneSided, far: View): Legs {
  return {
    toRouter: link(near, middle.near),
    throughRouter: link(near, middle.far),
    fromRouter: link(middle.far, far),
    backThroughRouter: link(middle.near, far),
  }
}

/** Adds to what was lost or injected on which part of the way it was, where the middle capture knows. */
export function narrowFates(
  fates: Map<number, readonly SegmentFate[]>,
  pairs: readonly (Pair & { primary: 'near' | 'far' })[],
  legs: Legs,
): void {
  const ofNear = (link: Link) => fatesBy(link, 'near')
  const ofFar = (link: Link) => fatesBy(link, 'far')
  const [toRouter, through] = [ofNear(legs.toRouter), ofNear(legs.throughRouter)]
  const [fromRouter, back] = [ofFar(legs.fromRouter), ofFar(legs.backThroughRouter)]
  for (const pair of pairs) {
    const id = pair[pair.primary].id
    const own = fates.get(id) ?? []
    if (own.every(isQuiet)) continue
    const seen = {
      toRouter: toRouter(pair),
      through: through(pair),
      fromRouter: fromRouter(pair),
      back: back(pair),
    }
    fates.set(
      id,
      own.map((f) => (isQuiet(f) ? f : { ...f, what: partOf(f, seen) ?? f.what })),
    )
  }
}

type Seen = Record<'toRouter' | 'through' | 'fromRouter' | 'back', readonly SegmentFate[]>

/** Frames are those of the pair's own captures, so only the legs that begin or end there know them. */
function partOf(fate: SegmentFate, { toRouter, through, fromRouter, back }: Seen): Part | null {
  const same = (f: SegmentFate) => f.frame === fate.frame && f.fate === fate.fate
  const passed = (f: SegmentFate) => f.frame === fate.frame && isQuiet(f)
  if (toRouter.some(same)) return 'between client and router'
  if (fromRouter.some(same)) return 'between router and server'
  const inRouter = toRouter.some(passed) ? through.some(same) : back.some(same)
  if (inRouter) return 'in the router'
  // Seen from the other end: it passed the router, so the rest of the way did it.
  if (through.some(passed)) return 'between router and server'
  return back.some(passed) ? 'between client and router' : null
}

function fatesBy(link: Link, primary: 'near' | 'far'): (pair: Pair) => readonly SegmentFate[] {
  const pairs = new Map(link.pairs.map((p) => [p[primary], p]))
  return (pair) => {
    const own = pairs.get(pair[primary])
    return own === undefined ? [] : fatesOfPair(own, link.between, primary)
  }
}
