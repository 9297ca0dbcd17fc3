import type { HopAnswer, PacketSeen, PacketWatch, ProbePort, WatchTarget } from '../port.ts'
import type { Hops } from './report.ts'

/** Most paths are shorter than 20 hops. */
export const MAX_HOPS = 24
const AT_ONCE = 6
const LIMIT_MS = 900

/** SYNs that may go 1, 2, 3, ... hops, a few at a time, until one is answered by more than a router that lets it die. */
export async function walk(
  to: WatchTarget,
  port: ProbePort,
  watch: PacketWatch,
  stop: AbortSignal,
): Promise<Hops | null> {
  const answers: HopAnswer[] = []
  for (let first = 1; first <= MAX_HOPS && !stop.aborted; first += AT_ONCE) {
    const ttls = Array.from({ length: AT_ONCE }, (_, i) => first + i)
    const found = await Promise.all(ttls.map((ttl) => port.hop(to, ttl, LIMIT_MS)))
    const told = found.filter((answer) => answer !== null)
    if (told.length === 0) break
    answers.push(...told)
    await watch.settle()
    if (told.some((answer) => isFinal(answer, seenOf(answer, watch)))) break
    // Nobody at all in six hops: nothing behind them will be heard of either.
    if (told.every(({ is }) => is === 'nothing') && first > AT_ONCE) break
  }
  return answers.length === 0 ? null : hopsOf(answers, watch)
}

function seenOf({ localPort }: HopAnswer, watch: PacketWatch): readonly PacketSeen[] {
  return localPort === null ? [] : watch.seen(localPort)
}

function isFinal({ is }: HopAnswer, seen: readonly PacketSeen[]): boolean {
  return is === 'syn-ack' || is === 'rst' || seen.some(({ what }) => what === 'unreachable')
}

function hopsOf(answers: readonly HopAnswer[], watch: PacketWatch): Hops {
  const final = answers.find((answer) => isFinal(answer, seenOf(answer, watch)))
  const before = answers.filter(({ ttl }) => ttl < (final?.ttl ?? Number.POSITIVE_INFINITY))
  const routers = before.map((answer) => {
    const error = seenOf(answer, watch).find(({ what }) => what === 'time-exceeded')
    return { ttl: answer.ttl, from: error?.from ?? null, ms: answer.afterMs }
  })
  while (final === undefined && routers.at(-1)?.from === null) routers.pop()
  if (final === undefined) return { routers, answered: null, answerTtl: null, answerHops: null }
  const seen = seenOf(final, watch)
  const packet = seen.find(({ what }) => what !== 'time-exceeded' && what !== 'fin')
  const is = final.is === 'syn-ack' ? 'syn-ack' : 'rst'
  // ICMP port unreachable is ECONNREFUSED to a program, as a RST is (Linux net/ipv4/icmp.c icmp_err_convert).
  const isIcmp = final.is === 'icmp' || final.is === 'nothing' || packet?.what === 'unreachable'
  const from = packet?.from ?? null
  // Linux sends a host one such error a second: a router that lets SYNs die and refuses others refuses the first that it forwards.
  const refuser = isIcmp && from !== null ? routers.findIndex((one) => one.from === from) : -1
  if (refuser >= 0) routers.splice(refuser + 1)
  const ttl = refuser >= 0 ? (routers[refuser]?.ttl ?? 0) + 1 : final.ttl
  return {
    routers,
    answered: { ttl, by: isIcmp ? 'unreachable' : is, from },
    answerTtl: packet?.ttl ?? null,
    answerHops: packet === undefined ? null : hopsBehind(packet.ttl),
  }
}

/** Hosts begin at 64 (Linux, BSD, macOS), 128 (Windows) or 255 (routers); paths of more than 40 hops are none. */
function hopsBehind(ttl: number): number {
  const began = [64, 128, 255].find((start) => start >= ttl) ?? 255
  return began - ttl
}
