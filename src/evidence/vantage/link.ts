import { type Clock, crossingsOf, estimateClock, farTime, nearTime } from './clock.ts'
import type { Between } from './fates.ts'
import { gapsOf } from './gaps.ts'
import { pairConnections } from './pair.ts'
import type { Pair, View } from './view.ts'

export interface Link {
  pairs: readonly Pair[]
  clock: Clock
  between: Between
}

export function link(near: View, far: View): Link {
  return linkPairs(near, far, pairConnections(near, far))
}

/** Clock and sight between two views whose pairs are known. */
export function linkPairs(near: View, far: View, pairs: readonly Pair[]): Link {
  const clock = estimateClock(crossingsOf(near, far, pairs))
  const seesBoth = { near: sawBoth(near), far: sawBoth(far) }
  const apart = Number(far.originNs - near.originNs) / 1e6
  const gaps = {
    near: gapsOf(near, far, pairs, (ms) => nearTime(ms, clock, apart)),
    far: gapsOf(far, near, pairs, (ms) => farTime(ms, clock, apart)),
  }
  const bothSaw = pairs.filter((p) => p.near.sawStart && p.far.sawStart)
  const runningMs = bothSaw.reduce((first, p) => Math.min(first, p.near.startMs), Infinity)
  return { pairs, clock, between: { near, far, clock, seesBoth, gaps, runningMs } }
}

function sawBoth(view: View): boolean {
  return view.connections.some((c) => c.seen === 'both')
}
