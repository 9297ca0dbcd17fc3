import { TcpwhyError } from '../../base/errors.ts'
import { version } from '../../base/version.ts'
import type { MachineFacts } from '../../evidence/machine.ts'
import { encoded } from '../../host/bundle/look-files.ts'
import {
  BUNDLE_SCHEMA,
  type BundleAsk,
  type BundleLook,
  type BundleManifest,
  MANIFEST,
} from '../../host/bundle/manifest.ts'
import type { RecordedLook } from '../../host/bundle/reads.ts'
import type { HostFiles } from '../../host/host-files.ts'
import { resolveTarget } from '../capture/target.ts'
import {
  collectScene,
  type Scene,
  type SceneOptions,
  type ScenePorts,
  thisMachine,
} from './collect.ts'
import { CAPTURE, folderOfLook, groupsOf } from './groups.ts'
import { type FileGroup, type Packed, packBundle } from './pack.ts'
import { redactScene } from './redact.ts'

export interface SnapshotOptions extends SceneOptions {
  /** Of the packed bundle. */
  maxOctets: number
  /** Stand-ins for addresses and host names. */
  redact: boolean
  /** A secret: with the same one, two bundles have the same stand-ins. Without it each has its own. */
  redactKey?: Uint8Array
}

export interface Snapshot {
  /** "tcpwhy-web1-20261130T181640Z.tar.gz" */
  fileName: string
  manifest: BundleManifest
  /** Of a .tar.gz, to be written one after another. */
  pieces: readonly Uint8Array[]
  octets: number
  /** What a diagnosis on this host would have had in this moment. */
  machine: MachineFacts
}

/**
 * Keeps the scene: all that a diagnosis of this host needs, twice, with what the kernel told in between, as a bundle.
 * Changes nothing.   @throws TcpwhyError HOST_NOT_LINUX
 */
export async function takeSnapshot(
  asked: SnapshotOptions,
  ports: ScenePorts = thisMachine(),
): Promise<Snapshot> {
  const { host } = ports
  if (host.platform() !== 'linux') throw notLinux(host.platform())
  const options = { ...asked, ...namespaceOf(asked, host) }
  const scene = await collectScene(options, ports)
  const whole = { scene, groups: groupsOf(scene), hostName: host.hostName(), text: asItIs }
  return pack(
    options,
    host,
    options.redact ? await redactScene(scene, host, options.redactKey) : whole,
  )
}

/**
 * Of --netns and --container: by its inode, which is the same for whoever reads the bundle.
 * @throws TcpwhyError TARGET_NOT_FOUND, TARGET_AMBIGUOUS
 */
function namespaceOf({ netns, container }: SceneOptions, host: HostFiles): { netnsId?: number } {
  if (netns === undefined && container === undefined) return {}
  const target = resolveTarget(host, {
    ...(netns === undefined ? {} : { netns }),
    ...(container === undefined ? {} : { container }),
  })
  const inode = target.netns === null ? null : host.inode(target.netns)
  return inode?.is === 'read' ? { netnsId: inode.value } : {}
}

/** A scene that is ready to be packed. */
export interface PackedScene {
  scene: Scene
  groups: FileGroup[]
  hostName: string
  /** Of the words in the manifest. */
  text: (text: string) => string
}

function asItIs(text: string): string {
  return text
}

async function pack(options: SnapshotOptions, host: HostFiles, of: PackedScene): Promise<Snapshot> {
  const { machine } = of.scene
  const mtime = new Date(machine.after.atEpochMs)
  const folder = bundleName(of.hostName, mtime)
  const manifests: BundleManifest[] = []
  const { pieces, octets } = await packBundle(folder, of.groups, {
    maxOctets: options.maxOctets,
    mtime,
    manifest: (sum) => {
      const manifest = manifestOf(options, host, of, sum)
      manifests.push(manifest)
      return new Map([[MANIFEST, encoded(`${JSON.stringify(manifest, null, 1)}\n`)]])
    },
  })
  return { fileName: `${folder}.tar.gz`, manifest: manifests[0]!, pieces, octets, machine }
}

/** "tcpwhy-web1-20261130T181640Z": its one folder, and its name before .tar.gz. */
function bundleName(hostName: string, at: Date): string {
  const host = hostName.replace(/[^\w.-]/g, '').slice(0, 60) || 'host'
  return `tcpwhy-${host}-${at
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:]/g, '')}`
}

function manifestOf(
  options: SnapshotOptions,
  host: HostFiles,
  { scene, hostName, text }: PackedScene,
  { files, dropped }: Omit<Packed, 'pieces'>,
): BundleManifest {
  const { machine, looks, events, processes, partial, leftOut } = scene
  const { before, after } = machine
  const tooBig = dropped.map(({ what }) => ({
    what,
    why: `beyond --max-size, ${options.maxOctets} octets`,
  }))
  return {
    schema: BUNDLE_SCHEMA,
    tool: { name: 'tcpwhy', version },
    versions: { node: process.versions.node },
    host: {
      name: hostName,
      release: host.release(),
      platform: host.platform(),
      arch: process.arch,
      endianness: host.endianness(),
    },
    from: isoOf((before ?? after).atEpochMs),
    to: isoOf(after.atEpochMs),
    asked: askedOf(options, text),
    looks: looks.map(lookEntry),
    events: events.fromNs !== null || events.missing.length > 0,
    capture: files.some(({ name }) => name === CAPTURE) ? CAPTURE : null,
    processes,
    redacted: options.redact,
    partial,
    leftOut: [...leftOut, ...tooBig].map(({ what, why }) => ({ what: text(what), why: text(why) })),
    files: [...files],
  }
}

function askedOf(
  { forMs, pids, netns, netnsId, container, ports }: SnapshotOptions,
  text: (text: string) => string,
): BundleAsk {
  return {
    forMs,
    ...(pids === undefined ? {} : { pids: [...pids] }),
    ...(netns === undefined ? {} : { netns: text(netns) }),
    ...(container === undefined ? {} : { container: text(container) }),
    ...(netnsId === undefined ? {} : { netnsId }),
    ...(ports === undefined ? {} : { ports: [...ports] }),
  }
}

function lookEntry({ epochMs, nowMs, own }: RecordedLook, i: number): BundleLook {
  return { folder: folderOfLook(i), at: isoOf(epochMs), monotonicMs: nowMs, own }
}

function isoOf(epochMs: number): string {
  return new Date(epochMs).toISOString()
}

function notLinux(platform: string): TcpwhyError {
  return new TcpwhyError(
    'HOST_NOT_LINUX',
    `This host runs ${platform}; only Linux can be looked at`,
    'Run tcpwhy snapshot on the Linux host, copy the bundle here and give it to tcpwhy diagnose.',
  )
}
