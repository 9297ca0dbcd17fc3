import type { EventsMissing, EventsMissingWhy } from '../host/events.ts'
import { type HostFiles, readOrNull } from '../host/host-files.ts'
import type { PageLayout } from '../host/tracefs/format.ts'
import { parseHeaderPage } from '../host/tracefs/format.ts'
import { instanceName, leftOver, thisWatcher } from '../host/tracefs/instances.ts'
import { traceFolders } from '../host/tracefs/mounts.ts'
import { planWatch, type WatchedEvent, type WatchPlan } from '../host/tracefs/watched.ts'
import type { DetachedMount } from './kernel/detached-mount.ts'
import type { PageReader, TraceFiles } from './trace-files.ts'

/** Of all processors together; each gets at least MIN and at most MAX. */
const BUFFERS_KB = 32 * 1024
const MIN_BUFFER_KB = 64
const MAX_BUFFER_KB = 1024
const MAX_INSTANCES = 8

export interface Machine {
  host: HostFiles
  files: TraceFiles
  /** As process.arch. */
  arch: string
  /** tracefs for this process alone, for machines where nobody mounted it. */
  mountTracefs(): DetachedMount | { failed: string }
}

/** A private trace instance with its events on. What happens to it happens to nobody else's tracing. */
export interface TraceInstance {
  path: string
  layout: PageLayout
  headerPage: string
  /** By processor. */
  readers: readonly { cpu: number; reader: PageReader }[]
  events: readonly WatchedEvent[]
  plan: WatchPlan
  /** Whether times are CLOCK_MONOTONIC. */
  monotonic: boolean
  missing: EventsMissing[]
  /** Of the mount, where it is one of our own. */
  unmount: () => void
}

/** @returns what is missing where there can be no instance; leaves nothing behind then. */
export function makeInstance(
  machine: Machine,
): { is: 'made'; instance: TraceInstance } | { is: 'missing'; missing: EventsMissing } {
  const found = findTracefs(machine)
  if (found.is === 'missing') return found
  removeLeftovers(machine, found.folder)
  const made = makeFolder(machine, found.folder)
  if (made.is === 'made') return instanceIn(machine, found, made.path)
  found.unmount()
  return made
}

function instanceIn(
  machine: Machine,
  { folder, layout, headerPage, unmount }: Found & { is: 'found' },
  path: string,
): { is: 'made'; instance: TraceInstance } | { is: 'missing'; missing: EventsMissing } {
  const { host, files, arch } = machine
  const plan = planWatch({
    format: (event) => readOrNull(host.text(`${folder}/events/${event}/format`)),
    release: host.release(),
    arch,
  })
  const missing = [...plan.missing]
  const cpus = cpusOf(host, path)
  // Before anything is on: while a file of it is open, the kernel refuses to remove an instance.
  const readers = openReaders(files, path, cpus)
  const about = { path, layout, headerPage, readers, plan, unmount }
  if (readers.length === 0) {
    removeInstance(machine, about)
    return { is: 'missing', missing: nothing('failed', `${path}/per_cpu: no pages`) }
  }
  const monotonic = files.write(`${path}/trace_clock`, 'mono') === null
  if (!monotonic) missing.push({ what: 'trace_clock', why: 'no-clock', adds: 'times', detail: '' })
  const share = Math.floor(BUFFERS_KB / cpus.length)
  const buffer = Math.min(MAX_BUFFER_KB, Math.max(MIN_BUFFER_KB, share))
  files.write(`${path}/buffer_size_kb`, String(buffer))
  const events = plan.events.filter((event) => enable(files, path, event, missing))
  return { is: 'made', instance: { ...about, events, monotonic, missing } }
}

type Found =
  | { is: 'found'; folder: string; layout: PageLayout; headerPage: string; unmount: () => void }
  | { is: 'missing'; missing: EventsMissing }

function findTracefs(machine: Machine): Found {
  const { host } = machine
  if (host.platform() !== 'linux') {
    return { is: 'missing', missing: nothing('not-linux', host.platform()) }
  }
  const mount = mountOf(machine)
  if ('failed' in mount) return { is: 'missing', missing: nothing('not-mounted', mount.failed) }
  const { folder, close: unmount } = mount
  const read = host.text(`${folder}/events/header_page`)
  const layout = read.is === 'read' ? parseHeaderPage(read.value) : null
  if (read.is === 'read' && layout !== null) {
    return { is: 'found', folder, layout, headerPage: read.value, unmount }
  }
  unmount()
  const why = read.is === 'read' ? 'failed' : whyNot(host, read.why)
  return { is: 'missing', missing: nothing(why, `${folder}/events/header_page`) }
}

/** Where it is mounted; else one of our own that is mounted nowhere; else the folder that debugfs mounts when it is entered. */
function mountOf({ host, mountTracefs }: Machine): DetachedMount | { failed: string } {
  const { tracefs, debugfs } = traceFolders(readOrNull(host.text('/proc/self/mountinfo')) ?? '')
  const close = () => {}
  if (tracefs !== null) return { folder: tracefs, close }
  const own = mountTracefs()
  return 'failed' in own && debugfs !== null ? { folder: debugfs, close } : own
}

function nothing(why: EventsMissingWhy, detail: string): EventsMissing {
  return { what: 'tracefs', why, adds: 'everything', detail }
}

/** Root is refused too where the kernel is locked down, which then is what to say. */
function whyNot(host: HostFiles, why: string): EventsMissingWhy {
  const lockdown = readOrNull(host.text('/sys/kernel/security/lockdown')) ?? ''
  if (lockdown.includes('[confidentiality]')) return 'lockdown'
  return why === 'denied' ? 'denied' : 'failed'
}

function makeFolder(
  { host, files }: Machine,
  folder: string,
): { is: 'made'; path: string } | { is: 'missing'; missing: EventsMissing } {
  const watcher = thisWatcher(host)
  if (watcher === null) return { is: 'missing', missing: nothing('failed', '/proc/self/stat') }
  let path = ''
  for (let nth = 0; nth < MAX_INSTANCES; nth++) {
    path = `${folder}/instances/${instanceName(watcher, nth)}`
    const failed = files.makeFolder(path)
    if (failed === null) return { is: 'made', path }
    if (failed === 'EEXIST') continue
    const denied = failed === 'EACCES' || failed === 'EPERM' || failed === 'EROFS'
    const why = denied ? whyNot(host, 'denied') : failed === 'ENOENT' ? 'no-instance' : 'failed'
    return { is: 'missing', missing: nothing(why, `${path}: ${failed}`) }
  }
  return { is: 'missing', missing: nothing('failed', `${path}: EEXIST`) }
}

/** Processors that are on. A machine may have room for hundreds more, of which the kernel has files too. */
function cpusOf(host: HostFiles, path: string): number[] {
  const names = readOrNull(host.names(`${path}/per_cpu`)) ?? []
  const on = parseCpuList(readOrNull(host.text('/sys/devices/system/cpu/online')) ?? '')
  return names
    .map((name) => /^cpu(\d{1,5})$/.exec(name)?.[1])
    .filter((cpu) => cpu !== undefined)
    .map(Number)
    .filter((cpu) => on.length === 0 || on.some(([from, to]) => from <= cpu && cpu <= to))
    .sort((a, b) => a - b)
}

/** "0-3,8": Linux lib/bitmap-str.c bitmap_parselist */
function parseCpuList(text: string): [from: number, to: number][] {
  return [...text.matchAll(/(\d{1,5})(?:-(\d{1,5}))?/g)].map(([, from, to]) => [
    Number(from),
    Number(to ?? from),
  ])
}

/** What processors that were off at the beginning have written meanwhile can be read too. */
export function openLateReaders({ host, files }: Machine, instance: TraceInstance): void {
  const known = new Set(instance.readers.map(({ cpu }) => cpu))
  const late = cpusOf(host, instance.path).filter((cpu) => !known.has(cpu))
  instance.readers = [...instance.readers, ...openReaders(files, instance.path, late)]
}

function openReaders(files: TraceFiles, path: string, cpus: readonly number[]) {
  const readers: { cpu: number; reader: PageReader }[] = []
  for (const cpu of cpus) {
    const reader = files.openPages(`${path}/per_cpu/cpu${cpu}/trace_pipe_raw`)
    if (!('failed' in reader)) readers.push({ cpu, reader })
  }
  return readers
}

/** An event whose filter the kernel refuses stays off: unfiltered, it would drown all others. */
function enable(
  files: TraceFiles,
  path: string,
  { event, filter, adds }: WatchedEvent,
  missing: EventsMissing[],
): boolean {
  const at = `${path}/events/${event}`
  const refused = filter === null ? null : files.write(`${at}/filter`, filter)
  const failed = refused ?? files.write(`${at}/enable`, '1')
  if (failed === null) return true
  const why = refused === null ? 'failed' : 'no-filter'
  missing.push({ what: event, why, adds, detail: `${at}: ${failed}` })
  return false
}

/** What the kernel overwrote or could not write, over all processors. */
export function overrunOf(host: HostFiles, { path, readers }: TraceInstance): number {
  let sum = 0
  for (const { cpu } of readers) {
    const stats = readOrNull(host.text(`${path}/per_cpu/cpu${cpu}/stats`)) ?? ''
    for (const [, count] of stats.matchAll(
      /^(?:overrun|commit overrun|dropped events): (\d+)$/gm,
    )) {
      sum += Number(count)
    }
  }
  return sum
}

/** Its events go off with it. */
export function removeInstance(
  { files }: Pick<Machine, 'files'>,
  { readers, path, unmount }: Pick<TraceInstance, 'readers' | 'path' | 'unmount'>,
): void {
  for (const { reader } of readers) reader.close()
  files.removeFolder(path)
  unmount()
}

/** Those of tcpwhys that are dead. One that lives in another namespace keeps its files open, and the kernel refuses (EBUSY). */
function removeLeftovers({ host, files }: Machine, folder: string): string[] {
  const names = readOrNull(host.names(`${folder}/instances`)) ?? []
  return leftOver(host, names).filter(
    (name) => files.removeFolder(`${folder}/instances/${name}`) === null,
  )
}

/** Removes what tcpwhys that were killed left behind. @returns the names of the instances */
export function cleanUpLeftovers(machine: Machine): string[] {
  const mount = mountOf(machine)
  if ('failed' in mount) return []
  const removed = removeLeftovers(machine, mount.folder)
  mount.close()
  return removed
}
