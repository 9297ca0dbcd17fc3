// Files of the runtimes: moby daemon container/container.go (config.v2.json), containers/storage containers.json, crun
// src/libcrun/status.c (status), runc libcontainer/container_linux.go (state.json), containerd CRI labels (config.json).
import { cgroupOf } from './cgroup.ts'
import { optionValues, optionWords } from './config/process-files.ts'
import { type HostFiles, readOrNull } from './host-files.ts'
import { commandOf, parentOf, pidsOf } from './process.ts'
import { decimal } from './text.ts'

export interface Container {
  /** 64 hexadecimal digits, or the name where the runtime has no ids (lxc). */
  id: string
  names: readonly string[]
  hostName: string | null
  /** A process in it. */
  pid: number
}

/** Folders of a container each, with the file that tells its first process. */
const STATES: readonly (readonly [folder: string, file: string])[] = [
  ['/run/crun', 'status'],
  ['/run/runc', 'state.json'],
  ['/run/docker/runtime-runc/moby', 'state.json'],
  ['/run/containerd/runc/k8s.io', 'state.json'],
  ['/run/containerd/runc/moby', 'state.json'],
  ['/run/containerd/runc/default', 'state.json'],
]
const DOCKER = '/var/lib/docker/containers'
const STORAGE = '/var/lib/containers/storage'
const CONTAINERD = [
  '/run/containerd/io.containerd.runtime.v2.task/k8s.io',
  '/run/containerd/io.containerd.runtime.v2.task/default',
]
/** As CRI runtimes name a container and its pod in the annotations of its config.json. */
export const CONTAINER_ANNOTATIONS: readonly string[] = [
  'io.kubernetes.cri.container-name',
  'io.kubernetes.cri.sandbox-name',
  'io.kubernetes.container.name',
  'io.kubernetes.pod.name',
  'nerdctl/name',
]
const MAX_PROCESSES = 100_000

/**
 * Running containers, from the files of their runtimes (as root) and from the cgroups of all processes. No runtime is asked,
 * and nothing in a container is run.
 */
export function findContainers(host: HostFiles): Container[] {
  const drafts = new Map<string, Draft>()
  addDocker(host, drafts)
  addStorageNames(host, drafts)
  addContainerd(host, drafts)
  addStates(host, drafts)
  addOfProcesses(host, drafts)
  const found: Container[] = []
  for (const [id, { names, hostName, pid }] of drafts) {
    if (pid !== null && pid > 0 && isAlive(host, pid)) {
      const name = names.length > 0 ? null : monitorName(host, id, pid)
      const all = name === null ? names : [name]
      found.push({ id, names: [...new Set(all)], hostName, pid })
    }
  }
  return found
}

/**
 * The names of containers by id, from the files of their runtimes and, of podman's, from their monitors; without a look at
 * every process.
 * @param pids  a process of each container that somebody will ask for, by its id
 */
export function containerNames(
  host: HostFiles,
  pids: ReadonlyMap<string, number>,
): ReadonlyMap<string, readonly string[]> {
  const drafts = new Map<string, Draft>()
  addDocker(host, drafts)
  addStorageNames(host, drafts)
  addContainerd(host, drafts)
  const found = new Map<string, readonly string[]>()
  for (const [id, pid] of pids) {
    const names = drafts.get(id)?.names ?? []
    const name = names.length > 0 ? null : monitorName(host, id, pid)
    const all = [...new Set(name === null ? names : [name])]
    if (all.length > 0) found.set(id, all)
  }
  return found
}

const MAX_PARENTS = 8

/** Wherever podman keeps its files: above its containers is conmon -c ID ... -n NAME. */
function monitorName(host: HostFiles, id: string, pid: number): string | null {
  let above: number | null = pid
  for (let steps = 0; steps < MAX_PARENTS && above !== null; steps++) {
    if (commandOf(host, above) === 'conmon') {
      const words = optionWords('conmon', readOrNull(host.text(`/proc/${above}/cmdline`)) ?? '')
      return optionValues(words, '-c').includes(id) ? (optionValues(words, '-n')[0] ?? null) : null
    }
    above = parentOf(host, above)
  }
  return null
}

interface Draft {
  names: string[]
  hostName: string | null
  pid: number | null
}

function draftOf(drafts: Map<string, Draft>, id: string): Draft {
  const draft = drafts.get(id) ?? { names: [], hostName: null, pid: null }
  drafts.set(id, draft)
  return draft
}

function addDocker(host: HostFiles, drafts: Map<string, Draft>): void {
  for (const id of namesIn(host, DOCKER)) {
    const config = json(host, `${DOCKER}/${id}/config.v2.json`)
    const pid = number(at(config, 'State', 'Pid'))
    if (pid === null || pid === 0) continue
    const draft = draftOf(drafts, id)
    draft.pid = pid
    const name = text(at(config, 'Name'))
    if (name !== null) draft.names.push(name.replace(/^\//, ''))
    draft.hostName = text(at(config, 'Config', 'Hostname'))
  }
}

/** podman and cri-o: only names; what runs is in STATES or the cgroups. */
function addStorageNames(host: HostFiles, drafts: Map<string, Draft>): void {
  // One folder a storage driver: overlay-containers, vfs-containers.
  const folders = namesIn(host, STORAGE).filter((name) => name.endsWith('-containers'))
  const lists = folders.map((name) => json(host, `${STORAGE}/${name}/containers.json`))
  for (const one of lists.flatMap((list) => (Array.isArray(list) ? list : []))) {
    const id = text(at(one, 'id'))
    const names = at(one, 'names')
    if (id === null || !Array.isArray(names)) continue
    draftOf(drafts, id).names.push(...names.filter((name) => typeof name === 'string'))
  }
}

function addContainerd(host: HostFiles, drafts: Map<string, Draft>): void {
  for (const folder of CONTAINERD) {
    for (const id of namesIn(host, folder)) {
      const draft = draftOf(drafts, id)
      draft.pid ??= decimal((readOrNull(host.text(`${folder}/${id}/init.pid`)) ?? '').trim())
      const config = json(host, `${folder}/${id}/config.json`)
      draft.hostName ??= text(at(config, 'hostname'))
      for (const key of CONTAINER_ANNOTATIONS) {
        const name = text(at(config, 'annotations', key))
        if (name !== null) draft.names.push(name)
      }
    }
  }
}

function addStates(host: HostFiles, drafts: Map<string, Draft>): void {
  for (const [folder, file] of STATES) {
    for (const id of namesIn(host, folder)) {
      const state = json(host, `${folder}/${id}/${file}`)
      const pid = number(at(state, 'pid')) ?? number(at(state, 'init_process_pid'))
      if (pid !== null) draftOf(drafts, id).pid ??= pid
    }
  }
}

/** Every process that a cgroup puts into a container; without such cgroups, those with a host name of their own. */
function addOfProcesses(host: HostFiles, drafts: Map<string, Draft>): void {
  const own = readOrNull(host.link('/proc/self/ns/uts'))
  const seen = new Set<string>()
  const pids = pidsOf(host).sort((a, b) => a - b)
  for (const pid of pids.slice(0, MAX_PROCESSES)) {
    const id = cgroupOf(readOrNull(host.text(`/proc/${pid}/cgroup`)) ?? '')?.container?.id
    if (id !== undefined) {
      const draft = draftOf(drafts, id)
      draft.pid ??= pid
      draft.hostName ??= hostNameOf(host, pid)
      continue
    }
    const uts = readOrNull(host.link(`/proc/${pid}/ns/uts`))
    if (uts === null || uts === own || seen.has(uts)) continue
    seen.add(uts)
    const name = hostNameOf(host, pid)
    if (name !== null && name !== host.hostName()) {
      const draft = draftOf(drafts, `pid ${pid}`)
      draft.pid = pid
      draft.hostName = name
    }
  }
}

function hostNameOf(host: HostFiles, pid: number): string | null {
  const name = (readOrNull(host.text(`/proc/${pid}/root/etc/hostname`)) ?? '').trim()
  return /^[\w.-]{1,255}$/.test(name) ? name : null
}

function isAlive(host: HostFiles, pid: number): boolean {
  return host.names(`/proc/${pid}`).is === 'read'
}

function namesIn(host: HostFiles, folder: string): readonly string[] {
  return readOrNull(host.names(folder)) ?? []
}

function json(host: HostFiles, path: string): unknown {
  const octets = readOrNull(host.text(path))
  if (octets === null) return null
  try {
    return JSON.parse(octets)
  } catch {
    return null
  }
}

function at(value: unknown, ...keys: string[]): unknown {
  for (const key of keys) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) ? value : null
}
