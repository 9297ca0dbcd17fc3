import { listOr, numberOr, objectOr, parseObject, stringOr } from './json.ts'

/** manifest.json of a bundle that `tcpwhy snapshot` made: what is in it, and what is not. */
export interface BundleManifest {
  schema: 'tcpwhy.bundle/1'
  tool: { name: 'tcpwhy'; version: string }
  /** Versions of what collected: "node": "20.19.0". */
  versions: Record<string, string>
  host: BundleHost
  /** Begin of the first look and end of the last, ISO 8601 in UTC. */
  from: string
  to: string
  asked: BundleAsk
  /** Two of them, unless it was cut short: what differs between them happened in `forMs`. */
  looks: BundleLook[]
  /** Whether what the kernel told meanwhile is in events/. */
  events: boolean
  /** Name of the packet capture in the bundle; its packets have no payload. */
  capture: string | null
  /** Processes of which more was read than sockets: threads, stacks, limits, open files. */
  processes: number[]
  /** Addresses and host names are stand-ins, the same ones throughout this bundle. */
  redacted: boolean
  /** Why it is not whole ("interrupted"); null: it is. */
  partial: string | null
  leftOut: BundleLeftOut[]
  files: { name: string; octets: number }[]
}

export interface BundleHost {
  name: string
  /** As `uname -r`. */
  release: string
  /** As process.platform and process.arch. */
  platform: string
  arch: string
  /** Of the numbers in the binary files. */
  endianness: 'LE' | 'BE'
}

/** What was asked for; the whole host when there is nothing. */
export interface BundleAsk {
  forMs: number
  pids?: number[]
  netns?: string
  container?: string
  /** Inode of the network namespace that --netns or --container meant. */
  netnsId?: number
  ports?: number[]
}

export interface BundleLook {
  folder: string
  /** ISO 8601 in UTC. */
  at: string
  /** Of the host's monotonic clock. */
  monotonicMs: number
  /** The network namespace that the collector was in: the folder netns-ID of it. */
  own: string
}

export interface BundleLeftOut {
  what: string
  why: string
}

export const BUNDLE_SCHEMA = 'tcpwhy.bundle/1'
export const MANIFEST = 'manifest.json'

/** @returns why it is no manifest that this version reads, as a sentence without a subject; or the manifest */
export function parseManifest(
  text: string,
): { is: 'manifest'; manifest: BundleManifest } | { is: 'wrong'; what: string } {
  const json = parseObject(text)
  if (json === null) return wrong('is no JSON object')
  const schema = stringOr(json['schema'], '')
  if (!/^tcpwhy\.bundle\/1$/.test(schema)) {
    return wrong(`says that it is ${schema === '' ? 'nothing' : schema.slice(0, 60)}`)
  }
  const host = hostOf(json['host'])
  const looks = listOr(json['looks']).flatMap((one) => lookOrNone(one))
  if (host === null) return wrong('names no host')
  if (looks.length === 0) return wrong('has no look at the host')
  return {
    is: 'manifest',
    manifest: {
      schema: BUNDLE_SCHEMA,
      tool: { name: 'tcpwhy', version: stringOr(objectOr(json['tool'])?.['version'], '?') },
      versions: textMembers(json['versions']),
      host,
      from: stringOr(json['from'], ''),
      to: stringOr(json['to'], ''),
      asked: askOf(json['asked']),
      looks: looks.slice(0, MAX_LOOKS),
      events: json['events'] === true,
      capture: stringOr(json['capture'], null),
      processes: numbers(json['processes']),
      redacted: json['redacted'] === true,
      partial: stringOr(json['partial'], null),
      leftOut: listOr(json['leftOut']).flatMap((one) => leftOutOrNone(one)),
      files: listOr(json['files']).flatMap((one) => fileOrNone(one)),
    },
  }
}

const MAX_LOOKS = 2

function wrong(what: string): { is: 'wrong'; what: string } {
  return { is: 'wrong', what }
}

function hostOf(value: unknown): BundleHost | null {
  const json = objectOr(value)
  const name = stringOr(json?.['name'], null)
  const release = stringOr(json?.['release'], null)
  if (json === null || name === null || release === null) return null
  return {
    name,
    release,
    platform: stringOr(json['platform'], 'linux'),
    arch: stringOr(json['arch'], 'x64'),
    endianness: json['endianness'] === 'BE' ? 'BE' : 'LE',
  }
}

function lookOrNone(value: unknown): BundleLook[] {
  const { folder, at, monotonicMs, own } = objectOr(value) ?? {}
  if (typeof folder !== 'string' || !/^[\w-]{1,40}$/.test(folder)) return []
  if (typeof at !== 'string' || Number.isNaN(Date.parse(at))) return []
  if (typeof own !== 'string' || typeof monotonicMs !== 'number') return []
  return [{ folder, at, monotonicMs, own }]
}

function askOf(value: unknown): BundleAsk {
  const json = objectOr(value) ?? {}
  const { netns, container } = json
  return {
    forMs: numberOr(json['forMs'], 0),
    ...(Array.isArray(json['pids']) ? { pids: numbers(json['pids']) } : {}),
    ...(typeof netns === 'string' ? { netns } : {}),
    ...(typeof container === 'string' ? { container } : {}),
    ...(typeof json['netnsId'] === 'number' ? { netnsId: json['netnsId'] } : {}),
    ...(Array.isArray(json['ports']) ? { ports: numbers(json['ports']) } : {}),
  }
}

function leftOutOrNone(value: unknown): BundleLeftOut[] {
  const { what, why } = objectOr(value) ?? {}
  return typeof what === 'string' && typeof why === 'string' ? [{ what, why }] : []
}

function fileOrNone(value: unknown): BundleManifest['files'] {
  const { name, octets } = objectOr(value) ?? {}
  return typeof name === 'string' && typeof octets === 'number' ? [{ name, octets }] : []
}

function numbers(value: unknown): number[] {
  return listOr(value).filter((one) => typeof one === 'number' && Number.isInteger(one)) as number[]
}

function textMembers(value: unknown): Record<string, string> {
  const members = Object.entries(objectOr(value) ?? {})
  return Object.fromEntries(members.filter(([, text]) => typeof text === 'string')) as Record<
    string,
    string
  >
}
