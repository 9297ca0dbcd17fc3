import type { Socket, SocketConstructorOpts } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { TcpwhyError } from '../../base/errors.ts'
import type {
  OpenOptions,
  ProbeAddress,
  ProbePort,
  ProbeSocket,
  SocketEvents,
  SocketFailure,
  TlsSeen,
} from '../../probe/port.ts'
import { loadLibc } from '../kernel/libc.ts'
import { type SocketOptions, socketOptions } from '../kernel/socket-options.ts'

/** setTimeout takes a signed 32-bit number of milliseconds, and fires at once beyond it. */
const LONGEST_TIMER_MS = 2 ** 31 - 1
const READ_OCTETS = 64 * 1024

/** Loaded when an experiment is wanted: the command is one script, whose static imports every start would pay for. */
async function loadModules() {
  const net = await import('node:net')
  const libc = loadLibc()
  const raw = libc.is === 'loaded' ? libc.libc : null
  return { net, libc: raw, options: raw === null ? null : socketOptions(raw) }
}

type Modules = Awaited<ReturnType<typeof loadModules>>

/** Sockets, names and the clock of this process. */
export async function nodeProbePort(): Promise<ProbePort> {
  const modules = await loadModules()
  // One buffer for all sockets: what was read is handed on before the next read.
  const buffer = new Uint8Array(READ_OCTETS)
  return {
    nowMs: () => performance.now(),
    epochMs: () => Date.now(),
    cpuMs: () => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1000
    },
    random: () => Math.random(),
    rawOptions: modules.options !== null,
    after,
    hop: async (to, ttl, limitMs) =>
      modules.libc === null
        ? null
        : (await import('./hop.ts')).askHop(modules.libc, to, { ttl, limitMs }),
    watch: async (ends) => (await import('./watch.ts')).watchPackets(ends),
    resolve: (host) => resolve(modules, host),
    open: (options, on) => open(modules, options, on, buffer),
  }
}

function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, Math.min(ms, LONGEST_TIMER_MS))
  return () => clearTimeout(timer)
}

async function resolve({ net }: Modules, host: string): Promise<readonly ProbeAddress[]> {
  const family = net.isIP(host)
  if (family !== 0) return [{ address: host, family: family === 6 ? 6 : 4 }]
  try {
    const dns = await import('node:dns/promises')
    const found = await dns.lookup(host, { all: true, verbatim: true })
    return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }))
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new TcpwhyError(
      'PROBE_NAME_UNKNOWN',
      `The name ${host} has no address (${code ?? 'unknown'})`,
      'Check its spelling and the resolver (getent hosts NAME), or give an address.',
      { cause },
    )
  }
}

function open(
  modules: Modules,
  options: OpenOptions,
  on: SocketEvents,
  buffer: Uint8Array,
): ProbeSocket {
  return options.tls === undefined
    ? plain(modules, options, on, buffer)
    : secure(modules, options, on)
}

function plain(
  modules: Modules,
  { address, family, port }: OpenOptions,
  on: SocketEvents,
  buffer: Uint8Array,
): ProbeSocket {
  const { net } = modules
  const callback = (count: number) => {
    on.data(buffer.subarray(0, count))
    return true
  }
  // onread is an option of the constructor (Node 20 lib/net.js), though @types/node has it with connect()'s.
  const opts = { allowHalfOpen: true, onread: { buffer, callback } }
  const socket = new net.Socket(opts as SocketConstructorOpts)
  let failure: SocketFailure | null = null
  socket.on('connect', () => on.connected())
  socket.on('end', () => on.ended())
  socket.on('error', (error) => {
    failure ??= failureOf(error, '')
  })
  socket.on('close', () => on.closed(failure))
  socket.connect({ host: address, family, port, noDelay: true })
  return handleOf(socket, socket, modules.options)
}

/** TLS over a plain socket of ours, so that failures of the handshakes of TCP and of TLS are told apart. */
function secure(modules: Modules, options: OpenOptions, on: SocketEvents): ProbeSocket {
  const { net } = modules
  // At its first use: no experiment without TLS pays for it.
  const tls = process.getBuiltinModule('node:tls')
  const { address, family, port } = options
  const raw = new net.Socket({ allowHalfOpen: true })
  let failure: SocketFailure | null = null
  raw.on('connect', () => on.reached?.())
  raw.on('error', (error) => {
    failure ??= failureOf(error, '')
  })
  const socket = tls.connect({
    socket: raw,
    // The name that the certificate has to be for; an address is none for SNI (RFC 6066 3).
    host: options.tls?.servername ?? address,
    servername: net.isIP(options.tls?.servername ?? '') === 0 ? options.tls?.servername : undefined,
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  })
  socket.on('secureConnect', () => on.connected())
  socket.on('data', (octets: Uint8Array) => on.data(octets))
  socket.on('end', () => on.ended())
  socket.on('error', (error) => {
    failure ??= failureOf(error, 'tls')
  })
  socket.on('close', () => on.closed(failure))
  raw.connect({ host: address, family, port, noDelay: true })
  return { ...handleOf(socket, raw, modules.options), tls: () => tlsSeen(socket) }
}

function tlsSeen(socket: TLSSocket): TlsSeen | null {
  const protocol = socket.getProtocol()
  if (protocol === null) return null
  const { subject, valid_to } = socket.getPeerCertificate()
  const alpn = socket.alpnProtocol
  return {
    protocol,
    cipher: socket.getCipher()?.name ?? '',
    alpn: typeof alpn === 'string' ? alpn : null,
    subject: subject?.CN === undefined ? null : String(subject.CN),
    validTo: valid_to ?? null,
    refusal: socket.authorized ? null : codeOf(socket.authorizationError),
  }
}

/** Typed as an Error, and is its code (Node 20 lib/_tls_wrap.js onConnectSecure). */
function codeOf(error: unknown): string | null {
  if (typeof error === 'string') return error
  return (error as NodeJS.ErrnoException | null)?.code ?? null
}

/** Node's own field: there is no public way to the descriptor of a socket. -1 or nothing when it is closed. */
function fdOf(socket: Socket): number | null {
  const fd = (socket as unknown as { _handle?: { fd?: number } | null })._handle?.fd
  return fd === undefined || fd < 0 ? null : fd
}

function failureOf(error: NodeJS.ErrnoException, otherwise: string): SocketFailure {
  return { code: error.code ?? error.name, syscall: error.syscall ?? otherwise }
}

/**
 * Straight to the kernel, while nothing waits in the stream: what a stream does for a write takes as long as the system call.
 * Whatever goes wrong is left to the stream, which says so. @returns octets that are sent
 */
function sendNow(socket: Socket, octets: Uint8Array, options: SocketOptions | null): number {
  if (options === null || socket.connecting || socket.writableLength > 0) return 0
  const fd = fdOf(socket)
  return fd === null || socket.writableEnded ? 0 : Math.max(options.send(fd, octets), 0)
}

function handleOf(socket: Socket, raw: Socket, rawOptions: SocketOptions | null): ProbeSocket {
  const withFd = <T>(use: (options: SocketOptions, fd: number) => T): T | null => {
    const fd = fdOf(raw)
    return rawOptions === null || fd === null ? null : use(rawOptions, fd)
  }
  return {
    keepalive(settings) {
      raw.setKeepAlive(true, settings.idleS * 1000)
      // Node sets TCP_KEEPINTVL to 1 and TCP_KEEPCNT to 10 there (libuv uv__tcp_keepalive): ours come after it.
      return withFd((o, fd) => o.keepalive(fd, settings)) ? 'set' : 'idle-only'
    },
    probeNow: () => withFd((o, fd) => o.probeNow(fd)) ?? false,
    tls: () => null,
    info: () => withFd((o, fd) => o.info(fd)),
    write: (octets) => {
      const taken = socket === raw ? sendNow(raw, octets, rawOptions) : 0
      if (taken < octets.length) socket.write(taken === 0 ? octets : octets.subarray(taken))
    },
    end: () => void socket.end(),
    close: () => {
      socket.destroy()
      raw.destroy()
    },
    reset: () => void raw.resetAndDestroy(),
    unsent: () => socket.writableLength,
    local: () =>
      raw.localAddress === undefined
        ? null
        : { address: raw.localAddress, port: raw.localPort ?? 0 },
  }
}
