import { probeWords } from '../../messages/en/probe.ts'
import { render as fill } from '../../messages/render.ts'
import type { InUse } from './advice.ts'
import { type Limit, limitOf } from './conclude.ts'
import type { IdleSettings, IdleTarget } from './report.ts'
import { serversByBanner } from './software.ts'

const words = probeWords.idle.inUse

/** Programs that pass what others answer on. */
const PROXIES = /^(haproxy|nginx|openresty|envoy|traefik|varnish|squid|caddy|docker-proxy|proxysql)/
/** Of a promise in whole seconds: a server closes up to a second later, and its timers are a little early. */
const LATE_MS = 2000
const EARLY_MS = 500

/**
 * Who serves each target, and so whose settings count: what is in use already, and what answers say. A Server field (and Keep-Alive:
 * timeout) may be of a server behind a proxy, which passes them on, while it is the proxy that closes.
 */
export function withServers(
  inUse: readonly InUse[],
  targets: readonly IdleTarget[],
  request: IdleSettings['request'],
): InUse[] {
  const known: InUse[] = [...inUse]
  for (const target of targets) {
    const { banner, name } = target
    if (banner === null) continue
    const ids = serversByBanner(banner, request === 'mysql-ping' ? 'sql' : 'http')
    if (ids.length === 0) continue
    const at = known.findIndex(({ serves }) => serves?.target === name)
    const listener = known[at]
    if (listener === undefined || !isOther(listener, ids)) {
      known.push(
        ...(listener === undefined ? asked(target, ids, request) : [bare(target, ids, request)]),
      )
      continue
    }
    const values = { name, banner, field: fieldOf(request), ...listener.serves }
    if (listener.ids.length === 0) known.push(server(ids, fill(words.behind, values)))
    else known[at] = { ...listener, why: fill(words.before, values) }
  }
  return known
}

/** It listens, and is not what the answer names. */
function isOther({ ids, serves }: InUse, named: readonly string[]): boolean {
  return PROXIES.test(serves?.command ?? '') && !ids.some((id) => named.includes(id))
}

/** Who listens is not seen: it may be what answers name, or something in front of it, where it is not a hop that ends them. */
function asked(
  target: IdleTarget,
  ids: readonly string[],
  request: IdleSettings['request'],
): InUse[] {
  const { name, banner, via, promisedS } = target
  const limit = limitOf(target)
  if (limit === null || limit.run.by === 'middlebox') return [bare(target, ids, request)]
  const values = {
    name,
    banner: banner ?? '',
    via: via ?? '',
    promised: promisedS ?? 0,
    field: fieldOf(request),
  }
  const promise = promisedS === null ? null : promiseOf(promisedS * 1000, limit)
  if (promise === 'kept') return [server(ids, fill(words.kept, values))]
  const why = promise === 'broken' ? 'broken' : via === null ? 'perhaps' : 'via'
  const own = server(ids, fill(words.own[why], values))
  const proxy = server(['haproxy'], fill(words.proxy[why], values))
  return why === 'perhaps' ? [own, proxy] : [proxy, own]
}

function promiseOf(promisedMs: number, { fromMs, toMs }: Limit): 'kept' | 'broken' | null {
  if (toMs < promisedMs - EARLY_MS) return 'broken'
  return fromMs <= promisedMs + LATE_MS ? 'kept' : null
}

function bare(
  { name, banner }: IdleTarget,
  ids: readonly string[],
  request: IdleSettings['request'],
) {
  const text = request === 'mysql-ping' ? words.greeting : words.banner
  return server(ids, fill(text, { name, banner: banner ?? '' }))
}

function fieldOf(request: IdleSettings['request']): string {
  return request === 'mysql-ping' ? words.field.greeting : words.field.banner
}

function server(ids: readonly string[], why: string): InUse {
  return { ids, side: 'server', why }
}
