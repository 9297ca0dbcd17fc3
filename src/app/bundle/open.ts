import { TcpwhyError } from '../../base/errors.ts'
import type { ByteSource } from '../../capture/byte-source.ts'
import type { MachineFacts } from '../../evidence/machine.ts'
import { eventsOfFiles } from '../../host/bundle/events-files.ts'
import { type BundleFiles, lookOfFiles } from '../../host/bundle/look-files.ts'
import { type BundleManifest, MANIFEST, parseManifest } from '../../host/bundle/manifest.ts'
import { textOf } from '../../host/bundle/reads.ts'
import { replayLook } from '../../host/bundle/replay.ts'
import type { HostFiles } from '../../host/host-files.ts'
import { eventsOf, noEvents } from '../../host/tracefs/replay.ts'
import { factsOfLooks, firstLook } from '../observe.ts'
import { type HostPart, snapshotAsk } from '../snapshot-ask.ts'
import { unpackBundle } from './unpack.ts'

/** A bundle that `tcpwhy snapshot` made, to be looked at like the host it is of. */
export interface Bundle {
  manifest: BundleManifest
  files: BundleFiles
  /** The host at each of its looks. */
  looks: readonly HostFiles[]
  /** Octets of the packet capture, where there is one. */
  capture: Uint8Array | null
}

/**
 * @param name  as the user knows it
 * @throws TcpwhyError BUNDLE_DAMAGED, BUNDLE_NO_MANIFEST, BUNDLE_TOO_BIG, BUNDLE_UNSAFE, BUNDLE_UNSUPPORTED
 */
export async function openBundle(source: ByteSource, name: string): Promise<Bundle> {
  const files = await unpackBundle(source, name)
  const manifest = manifestOf(files, name)
  const { host } = manifest
  const looks = manifest.looks.map(({ folder, at, monotonicMs, own }) => {
    const epochMs = Date.parse(at)
    return replayLook(host, lookOfFiles(files, { folder, own, nowMs: monotonicMs, epochMs }))
  })
  const capture = manifest.capture === null ? null : (files.get(manifest.capture) ?? null)
  return { manifest, files, looks, capture }
}

function manifestOf(files: BundleFiles, name: string): BundleManifest {
  const octets = files.get(MANIFEST)
  if (octets === undefined) {
    throw new TcpwhyError(
      'BUNDLE_NO_MANIFEST',
      `${name} is an archive without ${MANIFEST}: tcpwhy snapshot did not make it`,
      'Give what tcpwhy snapshot wrote; captures in an archive are to be unpacked first.',
    )
  }
  const parsed = parseManifest(textOf(octets))
  if (parsed.is === 'manifest') return parsed.manifest
  throw new TcpwhyError(
    'BUNDLE_UNSUPPORTED',
    `${MANIFEST} in ${name} ${parsed.what}, not tcpwhy.bundle/1`,
    'Was it made by a newer tcpwhy? Use that version to read it.',
  )
}

/**
 * The facts that whoever was on the host would have had, by the same readers.
 * @param source  id of its entry in the report
 * @param part  less than what is in the bundle
 */
export function machineOfBundle(
  { manifest, files, looks }: Bundle,
  source: string,
  part: HostPart = {},
): MachineFacts {
  const recording = manifest.events ? eventsOfFiles(files) : null
  const told = recording === null ? noEvents([]) : eventsOf(recording)
  const ask = snapshotAsk({ ...manifest.asked, ...part })
  const first = looks.length < 2 ? null : firstLook(looks[0]!, ask)
  return factsOfLooks(source, ask, { first, last: looks.at(-1)!, told })
}
