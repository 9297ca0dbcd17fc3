import { readFile } from 'node:fs/promises'
import { formatEndpoint } from '../../base/addresses.ts'
import { TcpwhyError } from '../../base/errors.ts'
import { probeWords } from '../../messages/en/probe.ts'
import { formatCount, render } from '../../messages/render.ts'
import type { InUse } from '../../probe/idle/advice.ts'
import type { IdleReport, IdleSettings } from '../../probe/idle/report.ts'
import { softwareIds } from '../../probe/idle/software.ts'
import type { Talk } from '../../probe/idle/types.ts'
import { requestOctets } from '../../probe/load/request.ts'
import type { Keepalive, ProbePort } from '../../probe/port.ts'
import { type IdleOptions, type IdleProgress, idle } from '../../probe/probes/idle.ts'
import { parseTarget, type Target } from '../../probe/target.ts'
import { addressOf, type ProbeHooks, permit } from './permit.ts'
import { nodeProbePort } from './port.ts'
import { openState } from './state.ts'

export interface IdleRequest {
  targets: readonly string[]
  maxMs: number
  precisionMs: number
  keepalive: Keepalive | null
  /** What is said before and after each silence; a target that is a URL is asked for its path. */
  say:
    | { is: 'http'; path: string }
    | { is: 'file'; path: string }
    | { is: 'octet' }
    | { is: 'mysql'; user: string; password: string }
    | null
  /** What is used by who asks, by id of src/probe/idle/software.ts: settings are told for it. */
  forClient?: readonly string[]
  /** Where results are kept as they come, and read from to go on. */
  state?: string
}

const MAX_FILE_OCTETS = 64 * 1024
const MAX_TARGETS = 16

/**
 * After how long a silence connections die: `tcpwhy probe idle`.
 * @throws TcpwhyError BAD_ARGUMENT, PROBE_ADDRESS_REFUSED, PROBE_NAME_UNKNOWN, PROBE_NOT_YOURS, PROBE_NEEDS_SOCKET_OPTIONS,
 *   OUTPUT_UNWRITABLE
 */
export async function probeIdle(
  request: IdleRequest,
  hooks: ProbeHooks & { onProgress?: (progress: IdleProgress) => void } = {},
  givenPort?: ProbePort,
): Promise<IdleReport> {
  if (givenPort === undefined) await keepHeapSmall()
  const port = givenPort ?? (await nodeProbePort())
  const given = givenOf(request)
  const options = await optionsOf(request, port)
  const plan = idle.plan(options)
  permit(
    options.targets.map(({ to }) => to),
    plan,
    hooks,
  )
  const inUse = givenPort === undefined ? await lookHere(options) : []
  const state = request.state === undefined ? null : await openState(request.state, keyOf(options))
  await hooks.onPlan?.(plan)
  const { stop = new AbortController().signal, onProgress } = hooks
  try {
    const known = state?.known(options.targets.length)
    const used = [...given, ...inUse]
    const all = { ...options, inUse: used, ...(known === undefined ? {} : { known }) }
    const report = await idle.run(all, port, {
      stop,
      ...(state === null ? {} : { onResult: state.add }),
      ...(onProgress === undefined ? {} : { onProgress }),
    })
    const lost = state?.lost ?? null
    if (lost === null) return report
    const text = render(probeWords.idle.notKept, { path: request.state ?? '', code: lost })
    return { ...report, assumed: [...report.assumed, text] }
  } finally {
    await state?.close()
  }
}

/**
 * Thousands of silent sockets are made once and kept, and next to nothing is made meanwhile: a heap that grows ahead of them would only
 * take memory. @see V8 src/heap/new-spaces.cc SemiSpaceNewSpace::Grow, src/heap/heap-controller.cc MemoryController::GrowingFactor
 */
async function keepHeapSmall(): Promise<void> {
  const { setFlagsFromString } = await import('node:v8')
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--heap-growing-percent=10')
}

/** Before any connection of ours is open. */
async function lookHere({ targets, request }: IdleOptions): Promise<InUse[]> {
  if (process.platform !== 'linux') return []
  const [{ inUseHere }, { nodeHost }] = await Promise.all([
    import('./in-use.ts'),
    import('../node-host.ts'),
  ])
  const wanted = targets.map(({ target, to }) => ({
    name: target.name,
    address: to.address,
    port: target.port,
  }))
  return inUseHere(nodeHost(), wanted, { isHttp: request === 'http' })
}

/** @throws TcpwhyError BAD_ARGUMENT */
function givenOf({ forClient = [] }: IdleRequest): InUse[] {
  const unknown = forClient.find((id) => !softwareIds.includes(id))
  if (unknown !== undefined) {
    throw new TcpwhyError(
      'BAD_ARGUMENT',
      `--for-client ${unknown} is not known`,
      `There are: ${softwareIds.join(', ')}.`,
    )
  }
  return forClient.length === 0 ? [] : [{ ids: forClient, why: probeWords.idle.inUse.given }]
}

async function optionsOf(request: IdleRequest, port: ProbePort): Promise<IdleOptions> {
  const targets = request.targets.map(parseTarget)
  if (targets.length === 0 || targets.length > MAX_TARGETS) {
    throw new TcpwhyError(
      'BAD_ARGUMENT',
      `probe idle takes 1 to ${MAX_TARGETS} targets`,
      'tcpwhy probe idle HOST:PORT, or vip=10.0.0.9:80 server=10.0.0.21:80 side by side.',
    )
  }
  const twice = targets.find(({ name }, i) => targets.findIndex((t) => t.name === name) < i)
  if (twice !== undefined) throw sameName(twice)
  const said = await sayOf(request, targets)
  const isAnswered = said.kind === 'http' || said.kind === 'mysql-ping'
  if (!isAnswered && !port.rawOptions) throw needsOptions()
  const addressed = await Promise.all(
    targets.map(async (target) => ({
      target,
      to: await addressOf(target.host, port),
      talk: said.talk(target),
    })),
  )
  const { maxMs, precisionMs, keepalive } = request
  return {
    targets: addressed,
    maxMs,
    precisionMs,
    keepalive,
    request: said.kind,
    sends: said.words,
  }
}

function sameName({ name }: Target): TcpwhyError {
  return new TcpwhyError(
    'BAD_ARGUMENT',
    `Two targets are called ${name}`,
    'Each needs a name of its own: vip=10.0.0.9:80 server=10.0.0.21:80.',
  )
}

interface Said {
  kind: IdleSettings['request']
  words: string
  talk(target: Target): Talk
}

async function sayOf({ say }: IdleRequest, targets: readonly Target[]): Promise<Said> {
  const words = probeWords.idle.sends
  if (say?.is === 'octet') {
    const octets = Uint8Array.of(0)
    return { kind: 'octet', words: words.octet, talk: () => ({ is: 'octets', octets }) }
  }
  if (say?.is === 'mysql') {
    const { createHash } = await import('node:crypto')
    const { user } = say
    const password = new TextEncoder().encode(say.password)
    const sha1 = (octets: Uint8Array) => new Uint8Array(createHash('sha1').update(octets).digest())
    const talk: Talk = { is: 'mysql', login: { user, password, sha1 } }
    return { kind: 'mysql-ping', words: words['mysql-ping'], talk: () => talk }
  }
  if (say?.is === 'file') {
    const octets = await octetsOf(say.path)
    const text = render(words.file, { file: say.path, octets: formatCount(octets.length) })
    return { kind: 'file', words: text, talk: () => ({ is: 'octets', octets }) }
  }
  const isUrl = targets.every(({ scheme }) => scheme !== 'tcp')
  if (say === null && !isUrl) {
    const talk: Talk = { is: 'keepalive-probe' }
    return { kind: 'keepalive-probe', words: words['keepalive-probe'], talk: () => talk }
  }
  const pathOf = (target: Target) => (say === null ? target.path : say.path)
  const request = `GET ${pathOf(targets[0]!)}`
  return {
    kind: 'http',
    words: render(words.http, { request }),
    talk: (target) => ({
      is: 'http',
      request: requestOctets(
        { ...target, path: pathOf(target) },
        { method: 'GET', keepAlive: true },
      ),
    }),
  }
}

async function octetsOf(path: string): Promise<Uint8Array> {
  const octets = await readFile(path).catch((cause) => {
    throw new TcpwhyError('BAD_ARGUMENT', `Cannot read ${path}`, 'Check the path of --send.', {
      cause,
    })
  })
  if (octets.length > 0 && octets.length <= MAX_FILE_OCTETS) return octets
  throw new TcpwhyError(
    'BAD_ARGUMENT',
    `${path} has ${octets.length} octets`,
    `--send takes 1 to ${MAX_FILE_OCTETS}: one small request.`,
  )
}

function needsOptions(): TcpwhyError {
  return new TcpwhyError(
    'PROBE_NEEDS_SOCKET_OPTIONS',
    'Whether the other end still acknowledges is told by raw socket options, which this Node cannot read',
    'Install the optional package koffi (npm install koffi), on Linux; or ask an HTTP server: --http /path.',
  )
}

/** Results belong to the same experiment, or they mean nothing. */
function keyOf({ targets, request }: IdleOptions): string[] {
  return [
    request,
    ...targets.map(({ target, to }) => `${target.name} ${formatEndpoint(to.address, target.port)}`),
  ]
}
