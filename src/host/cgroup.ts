// Linux Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/cgroups.rst: "hierarchy:controllers:path" a line.
import type { Cgroup } from './facts.ts'
import { linesOf } from './text.ts'

/** Which of v1's many hierarchies says most: systemd's own, then those that runtimes always set. */
const V1_ORDER = ['name=systemd', 'memory', 'pids', 'cpu']

const ID = '([\\da-f]{64})'

/** How runtimes name their folders: with systemd's driver (a scope), and with cgroupfs. */
const RUNTIMES: readonly (readonly [RegExp, string])[] = [
  [new RegExp(`^cri-containerd[-:]${ID}(\\.scope)?$`), 'containerd'],
  [new RegExp(`^crio-${ID}(\\.scope)?$`), 'cri-o'],
  [new RegExp(`^docker-${ID}(\\.scope)?$`), 'docker'],
  [new RegExp(`^libpod-${ID}(\\.scope)?$`), 'podman'],
  [/^lxc\.payload\.([^/]+)$/, 'lxc'],
]

/** @param text /proc/PID/cgroup. @returns null when it names no cgroup. */
export function cgroupOf(text: string): Cgroup | null {
  const { v2, v1 } = pathsOf(text)
  // On hybrid hosts v2 is there but empty of names, and the containers are in v1.
  const useV2 = v2 !== null && (v2 !== '/' || v1 === null || v1 === '/')
  const path = useV2 ? v2 : v1
  if (path === null) return null
  const parts = path.split('/').filter((part) => part !== '')
  return {
    version: useV2 ? 2 : 1,
    path,
    container: containerOf(parts),
    pod: podOf(path),
    unit: parts.findLast((part) => /\.(service|scope|socket|mount)$/.test(part)) ?? null,
  }
}

function pathsOf(text: string): { v2: string | null; v1: string | null } {
  let v2: string | null = null
  const v1 = new Map<string, string>()
  for (const line of linesOf(text)) {
    const [, hierarchy, controllers = '', path = ''] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? []
    if (hierarchy === undefined) continue
    if (hierarchy === '0' && controllers === '') v2 = path
    else for (const controller of controllers.split(',')) v1.set(controller, path)
  }
  const paths = V1_ORDER.map((name) => v1.get(name)).filter((path) => path !== undefined)
  return { v2, v1: paths.find((path) => path !== '/') ?? paths[0] ?? null }
}

function containerOf(parts: readonly string[]): Cgroup['container'] {
  for (const [at, part] of [...parts.entries()].reverse()) {
    for (const [pattern, runtime] of RUNTIMES) {
      const id = pattern.exec(part)?.[1]
      if (id !== undefined) return { runtime, id }
    }
    const above = parts[at - 1] ?? ''
    if (/^[\da-f]{64}$/.test(part)) return { runtime: runtimeAbove(above), id: part }
    if (above === 'lxc') return { runtime: 'lxc', id: part }
  }
  return null
}

/** docker/ID, libpod_parent/ID, kubepods/.../podUID/ID: Kubernetes does not say which runtime. */
function runtimeAbove(folder: string): string {
  if (folder === 'docker') return 'docker'
  if (folder.startsWith('libpod')) return 'podman'
  return /pod[\da-f]/.test(folder) ? 'kubernetes' : 'unknown'
}

function podOf(path: string): string | null {
  const uid = /pod([\da-f]{8}(?:[-_][\da-f]{4}){3}[-_][\da-f]{12})/.exec(path)?.[1]
  return uid?.replaceAll('_', '-') ?? null
}
