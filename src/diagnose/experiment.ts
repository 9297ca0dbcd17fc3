import { kindOfAddress } from '../base/address-kind.ts'
import { formatEndpoint } from '../base/addresses.ts'
import type { Verdict } from '../causes/cause.ts'
import type { ApplicationFacts } from '../evidence/application.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import { diagnoseWords } from '../messages/en/diagnose.ts'
import { render } from '../messages/render.ts'
import type { ExperimentStep, Step, Values } from '../messages/types.ts'
import { ownCommand } from './own-command.ts'

const words = diagnoseWords.experiment

/** Whom an experiment asks: the server's end, as whoever runs it has to write it. */
export interface Asked {
  address: string
  port: number
  /** Null: not known, and by its port it may be HTTP. */
  speaks: 'http' | 'tls' | 'mysql' | 'other' | null
  /** Of the last request that a capture shows. */
  request: { method: string; path: string } | null
  /** What has to be said of the address. */
  remark: keyof typeof words.remark | null
}

/** Services that are usually no HTTP. */
const OTHER_PORTS: ReadonlySet<number> = new Set([
  21, 22, 23, 25, 53, 110, 143, 389, 445, 465, 587, 636, 993, 995, 1433, 1521, 1883, 2049, 5222,
  5432, 5672, 6379, 9042, 9092, 11211, 27017,
])
const MYSQL_PORTS: ReadonlySet<number> = new Set([3306, 33060])
const TLS_PORTS: ReadonlySet<number> = new Set([443, 6443, 8443, 9443])

/** As clients of a capture wrote it. */
export function askedOf(
  { client, server }: ConnectionFacts,
  application: ApplicationFacts | null,
): Asked {
  const { address, port } = server
  return {
    address,
    port,
    speaks: speechOf(application) ?? speechByPort(port),
    request: requestOf(application),
    remark: remarkOf(address, client.address),
  }
}

/** From the host that was looked at. */
export function askedOfMachine({ values = {}, machine }: Verdict): Asked {
  const end = endOf(values['asked']) ?? endOf(values['server']) ?? listenerOf(machine)
  if (end === null) return NOBODY
  const isAny = kindOfAddress(end.address) === 'unspecified' || end.address === '*'
  const own = end.address.includes(':') ? '::1' : '127.0.0.1'
  const address = isAny ? own : end.address
  return {
    address,
    port: end.port,
    speaks: speechByPort(end.port),
    request: null,
    remark: kindOfAddress(address) === 'loopback' ? 'loopback' : linkLocal(address),
  }
}

/** Nothing says with whom it speaks. */
const NOBODY: Asked = {
  address: 'HOST',
  port: 0,
  speaks: null,
  request: null,
  remark: 'nobody',
}

function listenerOf(machine: Verdict['machine']) {
  const { port = 0, addresses = null } = machine?.server ?? {}
  return port === 0 ? null : { address: addresses?.at(-1) ?? '0.0.0.0', port }
}

const ENDPOINT = /^(?:\[([0-9a-f:.]+)\]|(\d{1,3}(?:\.\d{1,3}){3}|\*)):(\d{1,5})$/i

function endOf(value: string | number | undefined): { address: string; port: number } | null {
  const [, v6, v4, port] = ENDPOINT.exec(String(value ?? '')) ?? []
  const address = (v6 ?? v4)?.replace(/^::ffff:(?=\d+\.)/, '')
  return address === undefined || Number(port) < 1 ? null : { address, port: Number(port) }
}

function speechOf(application: ApplicationFacts | null): Asked['speaks'] {
  switch (application?.protocol) {
    case 'http':
    case 'tls':
    case 'mysql':
      return application.protocol
    case 'postgresql':
      return 'other'
    default:
      return null
  }
}

function speechByPort(port: number): Asked['speaks'] {
  if (MYSQL_PORTS.has(port)) return 'mysql'
  if (TLS_PORTS.has(port)) return 'tls'
  if (OTHER_PORTS.has(port)) return 'other'
  return port === 80 ? 'http' : null
}

/** A path goes into a command only if it means nothing to a shell. */
const PLAIN_PATH = /^\/[\w.~%/-]{0,100}$/

function requestOf(application: ApplicationFacts | null): Asked['request'] {
  const [method = '', target = ''] = application?.http?.request?.split(' ') ?? []
  const path = target.split('?')[0] ?? ''
  return PLAIN_PATH.test(path) ? { method, path } : null
}

/** A private address of which public clients are served is not the one that they write. */
function remarkOf(server: string, client: string): Asked['remark'] {
  const kind = kindOfAddress(server)
  if (kind === 'loopback') return 'loopback'
  if (kind === 'private' && kindOfAddress(client) === 'public') return 'natted'
  return linkLocal(server)
}

function linkLocal(address: string): Asked['remark'] {
  return /^fe[89ab]/i.test(address) ? 'linkLocal' : null
}

/** The experiment as a step of "what would confirm it", to be typed as it is. */
export function experimentStep(
  experiment: ExperimentStep,
  asked: Asked,
  verdict: Pick<Verdict, 'experiment'>,
): Step {
  const isHttp = asked.speaks !== 'mysql' && asked.speaks !== 'other'
  const template = isHttp ? experiment.command : (experiment.plain ?? experiment.command)
  const command = render(template, commandValues(asked, verdict, template))
  const isLogin = command.includes('--mysql-ping')
  const values: Values = { address: asked.address, ...pick(experiment) }
  const remarks = [
    ...(asked.remark === null ? [] : [words.remark[asked.remark]]),
    // sudo drops the environment, which has the login.
    ...(isLogin ? [words.login] : []),
  ]
  return {
    text: render([words.means, ...remarks].join(' '), values),
    command: ownCommand(isLogin ? command.replace(/^sudo /, '') : command),
  }
}

function pick({ supports, refutes }: ExperimentStep): Values {
  return { supports, refutes }
}

/** What templates of commands can name of the server. */
export function commandValues(
  asked: Asked,
  { experiment = {} }: Pick<Verdict, 'experiment'>,
  template = '',
): Values {
  const { speaks, address, port, request } = asked
  const target = port === 0 ? 'HOST:PORT' : formatEndpoint(address, port)
  const wanted = template.includes('--post') ? /^(?:POST|PUT|PATCH)$/ : /^(?:GET|HEAD)$/
  const path = request !== null && wanted.test(request.method) ? request.path : '/'
  const url = `${speaks === 'tls' ? 'https' : 'http'}://${target}${path}`
  const { silenceMs, patienceMs = PATIENCE_MS } = experiment
  return {
    target,
    url: speaks === 'mysql' || speaks === 'other' ? target : url,
    talk: speaks === 'http' || speaks === 'tls' ? url : talkOf(target, speaks),
    max: silenceMs === undefined ? '10m' : timeText(silenceMs * BEYOND),
    silence: silenceMs === undefined ? '--max 1h' : silenceText(silenceMs * BEYOND),
    patience: timeText(patienceMs),
  }
}

function talkOf(target: string, speaks: Asked['speaks']): string {
  return speaks === 'mysql' ? `${target} --mysql-ping` : target
}

/** Silences that are tried have to go beyond the one that was seen. */
const BEYOND = 1.5
const PATIENCE_MS = 5000
const LEAST_MS = 5000
const DAY_MS = 86_400_000

function silenceText(ms: number): string {
  const precision = ms <= 60_000 ? ' --precision 500ms' : ms <= 300_000 ? ' --precision 1s' : ''
  return `--max ${timeText(Math.max(ms, LEAST_MS))}${precision}`
}

/** "750ms", "45s", "45m", "3h": rounded up, as an option takes it. */
function timeText(ms: number): string {
  const most = Math.min(Math.max(ms, 100), DAY_MS)
  if (most < 10_000) return `${Math.ceil(most / 100) * 100}ms`.replace(/000ms$/, 's')
  if (most <= 120_000) return `${Math.ceil(most / 1000)}s`
  const minutes = Math.ceil(most / 60_000)
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`
}
