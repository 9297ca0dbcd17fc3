// Who keeps connections open, and what to tell it when they die after a known silence. Lines to copy; a program's own words, no prose.

/** What the lines are made from; whole numbers. */
export interface AdviceValues {
  /** The limit lies between these. */
  fromMs: number
  toMs: number
  /** TCP keepalive: first probe, and between probes. */
  idleS: number
  intervalS: number
  /** A pool lets go before this. */
  poolMs: number
  poolS: number
  /** A server that is to close later than whoever uses it waits at least so long. */
  serverS: number
  /** TCP keepalive resets the clock: it is not a program's own, and was not seen to heed data only. */
  keepaliveHelps: boolean
  /** Where the target listens. */
  port: number
}

export interface Software {
  /** As `--for-client` takes it. */
  id: string
  who: string
  side: 'client' | 'server' | 'host'
  speaks: 'http' | 'sql' | 'any'
  /** Of a server: its Server field, greeting or process. */
  name?: RegExp
  lines(values: AdviceValues): readonly string[]
}

/** HikariCP lib/.../HikariConfig.java validateNumerics: shorter ones are disabled, with a warning. */
const HIKARI_LEAST_MS = 30_000

const httpClients: readonly Software[] = [
  http('go', 'Go net/http', (v) => [`http.Transport{IdleConnTimeout: ${goTime(v.poolMs)}}`]),
  http('java', 'Java HttpClient', ({ poolS }) =>
    seconds(poolS, `-Djdk.httpclient.keepalive.timeout=${poolS}`),
  ),
  http('apache-httpclient', 'Apache HttpClient 5', ({ poolMs }) => [
    `HttpClients.custom().evictIdleConnections(TimeValue.ofMilliseconds(${poolMs}))`,
  ]),
  http('okhttp', 'OkHttp', ({ poolMs }) => [
    `new ConnectionPool(5, ${poolMs}, TimeUnit.MILLISECONDS)`,
  ]),
  http('node', 'Node http.Agent', ({ poolMs }) => [
    `new http.Agent({ keepAlive: true, timeout: ${poolMs} })`,
  ]),
  http('undici', 'Node undici (fetch)', ({ poolMs }) => [
    `new Agent({ keepAliveTimeout: ${poolMs}, keepAliveMaxTimeout: ${poolMs} })`,
  ]),
  http('httpx', 'Python httpx', ({ poolMs }) => [
    `httpx.Limits(keepalive_expiry=${poolMs / 1000})`,
  ]),
  http('aiohttp', 'Python aiohttp', ({ poolMs }) => [
    `aiohttp.TCPConnector(keepalive_timeout=${poolMs / 1000})`,
  ]),
  http('nginx', 'nginx to its upstream', ({ poolS, ...v }) => [
    ...seconds(poolS, `upstream { keepalive_timeout ${poolS}s; }`),
    ...(v.keepaliveHelps ? ['proxy_socket_keepalive on;'] : []),
  ]),
]

const sqlClients: readonly Software[] = [
  sql('hikaricp', 'HikariCP', hikari),
  sql('go-sql-driver', 'Go database/sql', ({ poolMs }) => [
    `db.SetConnMaxIdleTime(${goTime(poolMs)})`,
  ]),
  sql('sqlalchemy', 'Python SQLAlchemy', ({ poolS }) =>
    seconds(poolS, `create_engine(url, pool_recycle=${poolS}, pool_pre_ping=True)`),
  ),
  // mysql2 lib/base/pool.js: without maxIdle < connectionLimit nothing looks for idle connections.
  sql('mysql2', 'Node mysql2', ({ poolMs, idleS, keepaliveHelps }) => [
    `mysql.createPool({ connectionLimit: 10, maxIdle: 9, idleTimeout: ${poolMs}${
      keepaliveHelps ? `, enableKeepAlive: true, keepAliveInitialDelay: ${idleS * 1000}` : ''
    } })`,
  ]),
  sql('pg', 'Node pg', ({ poolMs, idleS, keepaliveHelps }) => [
    `new Pool({ idleTimeoutMillis: ${poolMs}${
      keepaliveHelps ? `, keepAlive: true, keepAliveInitialDelayMillis: ${idleS * 1000}` : ''
    } })`,
  ]),
  sql('psycopg', 'Python psycopg, libpq', ({ idleS, intervalS, keepaliveHelps }) =>
    keepaliveHelps
      ? [
          `keepalives=1 keepalives_idle=${idleS} keepalives_interval=${intervalS} keepalives_count=5`,
        ]
      : [],
  ),
]

/** Sockets of programs that set no more than SO_KEEPALIVE, and how to set all of it. */
const keepalives: readonly Software[] = [
  any('linux', 'Linux, SO_KEEPALIVE', 'host', ({ idleS, intervalS }) => [
    `sysctl -w net.ipv4.tcp_keepalive_time=${idleS} net.ipv4.tcp_keepalive_intvl=${intervalS} net.ipv4.tcp_keepalive_probes=5`,
  ]),
  // Probes after that time, and as often; KeepAliveConfig would be Go 1.23 and later.
  any('go', 'Go net', 'client', ({ idleS }) => [`net.Dialer{KeepAlive: ${idleS} * time.Second}`]),
  any('java', 'Java sockets', 'client', ({ idleS, intervalS }) => [
    'socket.setOption(StandardSocketOptions.SO_KEEPALIVE, true)',
    `socket.setOption(ExtendedSocketOptions.TCP_KEEPIDLE, ${idleS})`,
    `socket.setOption(ExtendedSocketOptions.TCP_KEEPINTERVAL, ${intervalS})`,
  ]),
  any('node', 'Node net', 'client', ({ idleS }) => [`socket.setKeepAlive(true, ${idleS * 1000})`]),
  any('python', 'Python sockets', 'client', ({ idleS, intervalS }) => [
    's.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)',
    `s.setsockopt(IPPROTO_TCP, TCP_KEEPIDLE, ${idleS})`,
    `s.setsockopt(IPPROTO_TCP, TCP_KEEPINTVL, ${intervalS})`,
  ]),
  any('haproxy', 'HAProxy to its servers', 'client', ({ idleS, intervalS }) => [
    // One a line: HAProxy takes no semicolons.
    'option srvtcpka',
    `srvtcpka-idle ${idleS}s`,
    `srvtcpka-intvl ${intervalS}s`,
  ]),
]

/** Says nothing of itself. */
const NONE = /(?!)/

const servers: readonly Software[] = [
  server('nginx', 'nginx', /^(nginx|openresty|tengine)/i, ({ serverS, poolS, ...v }) => [
    // The second number is told to clients (Keep-Alive: timeout), so that they let go first.
    `keepalive_timeout ${serverS}s${poolS >= 1 ? ` ${poolS}s` : ''};`,
    ...(v.keepaliveHelps ? [`listen ${v.port} so_keepalive=${v.idleS}s:${v.intervalS}s:5;`] : []),
  ]),
  server('haproxy', 'HAProxy', /^haproxy/i, ({ serverS, ...v }) => [
    // Whichever is shorter ends an idle connection; without HTTP the first alone.
    `timeout client ${serverS}s`,
    `timeout http-keep-alive ${serverS}s`,
    ...(v.keepaliveHelps
      ? ['option clitcpka', `clitcpka-idle ${v.idleS}s`, `clitcpka-intvl ${v.intervalS}s`]
      : []),
  ]),
  server('apache', 'Apache httpd', /^(apache(\/|$)|httpd|apache2)/i, ({ serverS }) => [
    `KeepAliveTimeout ${serverS}`,
  ]),
  server('node-server', 'Node http.Server', /^node(js)?$/i, ({ serverS }) => [
    `server.keepAliveTimeout = ${serverS * 1000}; server.headersTimeout = ${(serverS + 1) * 1000}`,
  ]),
  server('go-server', 'Go http.Server', NONE, ({ serverS }) => [
    `http.Server{IdleTimeout: ${serverS} * time.Second}`,
  ]),
  server('gunicorn', 'gunicorn', /^gunicorn/i, ({ serverS }) => [
    `gunicorn --keep-alive ${serverS}`,
  ]),
  server('uvicorn', 'uvicorn', /^uvicorn/i, ({ serverS }) => [
    `uvicorn --timeout-keep-alive ${serverS}`,
  ]),
  server('tomcat', 'Tomcat', /^(apache-coyote|tomcat)/i, ({ serverS }) => [
    `<Connector keepAliveTimeout="${serverS * 1000}" ... />`,
  ]),
  server('jetty', 'Jetty', /^jetty/i, ({ serverS }) => [
    `connector.setIdleTimeout(${serverS * 1000})`,
  ]),
  {
    ...server('mysql', 'MySQL, MariaDB', /^(mysqld|mariadbd?)$|mariadb|^\d+\.\d+\.\d+/i, (v) => [
      `SET GLOBAL wait_timeout = ${v.serverS}; SET GLOBAL interactive_timeout = ${v.serverS}`,
    ]),
    speaks: 'sql',
  },
  {
    ...server('postgresql', 'PostgreSQL', /^postgres/i, ({ idleS, intervalS, keepaliveHelps }) =>
      keepaliveHelps
        ? [`tcp_keepalives_idle = ${idleS}`, `tcp_keepalives_interval = ${intervalS}`]
        : ['idle_session_timeout = 0'],
    ),
    speaks: 'sql',
  },
]

/** Pools first: who gives connections up in time needs no keepalive. */
export const pools: readonly Software[] = [...httpClients, ...sqlClients]
export const keepaliveSettings = keepalives
export const serverSettings = servers

/** What `--for-client` takes. */
export const softwareIds: readonly string[] = [
  ...new Set([...pools, ...keepalives, ...servers].map(({ id }) => id)),
].sort()

/** What a program of this name may be, as far as its name tells: by /proc/PID/comm; `go` where its file says so. */
export function clientsOf(command: string, speaks: 'http' | 'sql' | 'any'): readonly string[] {
  const known = PROGRAMS.find(({ name }) => name.test(command))
  if (known === undefined) return []
  const { http, sql, sockets } = known
  const pool = speaks === 'http' ? http : speaks === 'sql' ? sql : [...http, ...sql]
  return [...pool, ...sockets]
}

const PROGRAMS = [
  { name: /^java$/, http: ['java', 'apache-httpclient', 'okhttp'], sql: ['hikaricp'], sockets: [] },
  { name: /^(node|nodejs|bun)$/, http: ['node', 'undici'], sql: ['mysql2', 'pg'], sockets: [] },
  {
    name: /^(python[\d.]*|gunicorn|uvicorn|celery)/,
    http: ['httpx', 'aiohttp', 'python'],
    sql: ['sqlalchemy', 'psycopg'],
    sockets: [],
  },
  { name: /^go$/, http: ['go'], sql: ['go-sql-driver'], sockets: [] },
  { name: /^(nginx|openresty)/, http: ['nginx'], sql: [], sockets: [] },
  { name: /^haproxy/, http: ['haproxy'], sql: ['haproxy'], sockets: [] },
] as const

/** A server by its process on this host. */
export function serversOf(command: string): readonly string[] {
  if (command === 'go') return ['go-server']
  return servers.filter(({ name }) => name?.test(command)).map(({ id }) => id)
}

/** By what it says of itself: a Server field, a greeting. */
export function serversByBanner(banner: string, speaks: 'http' | 'sql'): readonly string[] {
  return servers
    .filter((one) => one.speaks === speaks && one.name?.test(banner))
    .map(({ id }) => id)
}

function http(id: string, who: string, lines: Software['lines']): Software {
  return { id, who, side: 'client', speaks: 'http', lines }
}

function sql(id: string, who: string, lines: Software['lines']): Software {
  return { id, who, side: 'client', speaks: 'sql', lines }
}

function any(id: string, who: string, side: Software['side'], lines: Software['lines']): Software {
  return { id, who, side, speaks: 'any', lines }
}

function server(id: string, who: string, name: RegExp, lines: Software['lines']): Software {
  return { id, who, side: 'server', speaks: 'http', name, lines }
}

/** keepaliveTime asks the database, so every clock begins anew; it has to be shorter than maxLifetime, and neither below 30 s. */
function hikari({ poolMs }: AdviceValues): string[] {
  const keepaliveMs = Math.floor(poolMs / 2)
  if (keepaliveMs >= HIKARI_LEAST_MS) return [`keepaliveTime=${keepaliveMs}`]
  if (poolMs >= HIKARI_LEAST_MS) return [`maxLifetime=${poolMs}`]
  return ['# HikariCP takes nothing below 30 s: raise the limit on the other side']
}

function goTime(ms: number): string {
  return ms >= 1000 ? `${Math.floor(ms / 1000)} * time.Second` : `${ms} * time.Millisecond`
}

/** Of what takes whole seconds only: nothing is below a limit of one. */
function seconds(count: number, line: string): string[] {
  return count >= 1 ? [line] : ['# takes whole seconds only: raise the limit on the other side']
}
