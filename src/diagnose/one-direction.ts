import type { Evidence, PathFacts } from '../evidence/evidence.ts'
import { diagnoseWords as words } from '../messages/en/diagnose.ts'
import { say } from './finding.ts'
import type { Report } from './report.ts'

/** So many of the connections must be half seen: the others may be answered elsewhere, or nobody was there. */
const NEARLY_ALL = 0.9
const MAX_TOLD = 3

/** A pair of hosts of which the capture has the packets of one direction only, though the other was there. */
export interface HalfPath {
  from: string
  to: string
  connections: number
  /** Beside them: those of which there is no more than a SYN. */
  loneSyns: number
}

export interface OneDirection {
  paths: readonly HalfPath[]
  connections: number
  /** (Nearly) nothing of this capture was seen from both ends: nobody may call it healthy. */
  whole: boolean
}

/** @returns null when both directions are there; with several vantage points each has its own, and they complete each other. */
export function oneDirectionOf({ vantage, paths, totals }: Evidence): OneDirection | null {
  return vantage === null ? oneDirectionIn(paths.values(), totals.connections) : null
}

export function oneDirectionIn(all: Iterable<PathFacts>, total: number): OneDirection | null {
  const paths = [...all].flatMap((path) => halfOf(path) ?? [])
  if (paths.length === 0) return null
  paths.sort((a, b) => b.connections - a.connections)
  const connections = paths.reduce((sum, p) => sum + p.connections, 0)
  const alone = paths.reduce((sum, p) => sum + p.loneSyns, 0)
  return { paths, connections, whole: connections + alone >= NEARLY_ALL * total }
}

function halfOf({
  client,
  server,
  connections,
  oneSided,
  loneSyns = 0,
}: PathFacts): HalfPath | null {
  if (oneSided === undefined) return null
  const { client: up, server: down } = oneSided
  if (up + down === 0 || up + down < NEARLY_ALL * (connections - loneSyns)) return null
  const [from, to] = up >= down ? [client, server] : [server, client]
  return { from, to, connections: up + down, loneSyns }
}

/** What is missing, and how to get it. */
export function unknownHalf({ paths }: OneDirection): Report['unknown'][number] {
  const first = paths[0]!
  const told = paths.slice(0, MAX_TOLD).map((path) => say(words.oneDirection.missing, { ...path }))
  const others = paths.length - told.length
  const more = others > 0 ? [say(words.oneDirection.more, { others })] : []
  return {
    cause: 'asymmetric-path',
    missing: [...told, ...more],
    ask: say(words.oneDirection.ask, { ...first }),
  }
}

export function halfHeadline({ paths, connections }: OneDirection, total: number): string {
  const first = paths[0]!
  const values = { ...first, total, connections, others: paths.length - 1 }
  return say(words.oneDirection[paths.length === 1 ? 'headline' : 'headlineSeveral'], values)
}

/** For the source: what is in it. */
export function faultText({ paths }: OneDirection): string {
  return say(words.oneDirection.fault, { ...paths[0]! })
}
