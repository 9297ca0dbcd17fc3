import type { Socket, SocketConstructorOpts } from 'node:net'
import { TcpwhyError } from '../base/errors.ts'
import type {
  OpenOptions,
  ProbeAddress,
  ProbePort,
  ProbeSocket,
  SocketEvents,
  SocketFailure,
} from '../probe/port.ts'

/** setTimeout takes a signed 32-bit number of milliseconds, and fires at once beyond it. */
const LONGEST_TIMER_MS = 2 ** 31 - 1
const READ_OCTETS = 64 * 1024

/** Loaded when an experiment is wanted: the command is one script, whose static imports every start would pay for. */
async function loadModules() {
  const [net, tls, dns] = await Promise.all([
    import('node:net'),
    import('node:tls'),
    import('node:dns/promises'),
  ])
  return { net, tls, dns }
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
    random: () => Math.random(),
    after,
    resolve: (host) => resolve(modules, host),
    open: (options, on) => open(modules, options, on, buffer),
  }
}

function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, Math.min(ms, LONGEST_TIMER_MS))
  return () => clearTimeout(timer)
}

async function resolve({ dns }: Modules, host: string): Promise<readonly ProbeAddress[]> {
  try {
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
  { net }: Modules,
  { address, family, port }: OpenOptions,
  on: SocketEvents,
  buffer: Uint8Array,
): ProbeSocket {
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
  return handleOf(socket, socket)
}

/** TLS over a plain socket of ours, so that failures of the handshakes of TCP and of TLS are told apart. */
function secure({ net, tls }: Modules, options: OpenOptions, on: SocketEvents): ProbeSocket {
  const { address, family, port } = options
  const raw = new net.Socket({ allowHalfOpen: true })
  let failure: SocketFailure | null = null
  raw.on('error', (error) => {
    failure ??= failureOf(error, '')
  })
  const socket = tls.connect({
    socket: raw,
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
  return handleOf(socket, raw)
}

function failureOf(error: NodeJS.ErrnoException, otherwise: string): SocketFailure {
  return { code: error.code ?? error.name, syscall: error.syscall ?? otherwise }
}

function handleOf(socket: Socket, raw: Socket): ProbeSocket {
  return {
    write: (octets) => void socket.write(octets),
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
