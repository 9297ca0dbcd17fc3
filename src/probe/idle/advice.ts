import { limitOf } from './conclude.ts'
import type { IdleAdvice, IdleTarget } from './report.ts'

/** A keepalive comes at least three times within the limit: one may be lost. */
const KEEPALIVES = 3
/** A pool gives a connection up before four fifths of the limit. */
const POOL_PART = 0.8

/**
 * Settings for clients and servers, with values for the shortest limit that was found. Idle limits have to fall toward whoever opens
 * connections: pool < middlebox < server.
 */
export function adviceOf(targets: readonly IdleTarget[]): IdleAdvice[] {
  const limits = targets.flatMap((target) => limitOf(target) ?? [])
  const shortest = limits.sort((a, b) => a.fromMs - b.fromMs)[0]
  if (shortest === undefined || shortest.fromMs < 1) return []
  const { fromMs, toMs, run } = shortest
  const poolMs = Math.floor(fromMs * POOL_PART)
  const values = {
    idleS: Math.max(Math.floor(Math.min(fromMs / KEEPALIVES, 60_000) / 1000), 1),
    poolMs,
    poolS: Math.floor(poolMs / 1000),
    serverS: Math.ceil(toMs / 1000) + 10,
  }
  const isProgram = run.by === 'server' || run.flavour === 'fin'
  // A program's own limit counts what the program reads: keepalive never reaches it.
  return [...pools(values), ...(isProgram ? [] : keepalives(values)), ...servers(values)]
}

interface Values {
  idleS: number
  poolMs: number
  poolS: number
  serverS: number
}

function pools({ poolMs, poolS }: Values): IdleAdvice[] {
  const goS = poolS >= 1 ? `${poolS} * time.Second` : `${poolMs} * time.Millisecond`
  return [
    { who: 'Go net/http', setting: `http.Transport{IdleConnTimeout: ${goS}}` },
    { who: 'Go database/sql', setting: `db.SetConnMaxIdleTime(${goS})` },
    { who: 'Java HttpClient', setting: `-Djdk.httpclient.keepalive.timeout=${Math.max(poolS, 1)}` },
    {
      who: 'Apache HttpClient 5',
      setting: `evictIdleConnections(TimeValue.ofMilliseconds(${poolMs}))`,
    },
    // HikariCP takes no less than 30 s.
    ...(poolMs < 30_000
      ? []
      : [{ who: 'HikariCP', setting: `maxLifetime=${poolMs}, keepaliveTime=${poolMs}` }]),
    { who: 'Node http.Agent', setting: `new Agent({ keepAlive: true, timeout: ${poolMs} })` },
    {
      who: 'Node undici',
      setting: `new Agent({ keepAliveTimeout: ${poolMs}, keepAliveMaxTimeout: ${poolMs} })`,
    },
    { who: 'Python httpx', setting: `httpx.Limits(keepalive_expiry=${poolMs / 1000})` },
    { who: 'Python SQLAlchemy', setting: `create_engine(url, pool_recycle=${Math.max(poolS, 1)})` },
    {
      who: 'nginx to its upstream',
      setting: `upstream { keepalive_timeout ${Math.max(poolS, 1)}s; }`,
    },
  ]
}

function keepalives({ idleS }: Values): IdleAdvice[] {
  const intervalS = Math.max(Math.floor(idleS / 2), 1)
  return [
    {
      who: 'Linux, for programs that set SO_KEEPALIVE only',
      setting: `sysctl -w net.ipv4.tcp_keepalive_time=${idleS} net.ipv4.tcp_keepalive_intvl=${intervalS} net.ipv4.tcp_keepalive_probes=5`,
    },
    {
      who: 'Go net',
      setting: `net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: ${idleS} * time.Second, Interval: ${intervalS} * time.Second, Count: 5}}`,
    },
    {
      who: 'Java',
      setting: `socket.setOption(StandardSocketOptions.SO_KEEPALIVE, true); socket.setOption(ExtendedSocketOptions.TCP_KEEPIDLE, ${idleS})`,
    },
    { who: 'Node net', setting: `socket.setKeepAlive(true, ${idleS * 1000})` },
    {
      who: 'Python',
      setting: `s.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1); s.setsockopt(IPPROTO_TCP, TCP_KEEPIDLE, ${idleS})`,
    },
    { who: 'nginx, as a server', setting: `listen 80 so_keepalive=${idleS}s:${intervalS}s:5;` },
    {
      who: 'HAProxy',
      setting: `option clitcpka; clitcpka-idle ${idleS}s; option srvtcpka; srvtcpka-idle ${idleS}s`,
    },
    { who: 'PostgreSQL', setting: `tcp_keepalives_idle = ${idleS}` },
  ]
}

/** The server must not be the one who gives up first, unless it says when: `Keep-Alive: timeout=N`. */
function servers({ poolS, serverS }: Values): IdleAdvice[] {
  return [
    ...(poolS < 1
      ? []
      : [
          {
            who: 'nginx, telling clients when to give up',
            setting: `keepalive_timeout ${serverS}s ${poolS}s;`,
          },
        ]),
    { who: 'Node http.Server', setting: `server.keepAliveTimeout = ${serverS * 1000}` },
  ]
}
