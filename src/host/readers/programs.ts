import { HAPROXY_FILES, haproxyLimits } from '../config/haproxy.ts'
import { nginxConnections } from '../config/nginx.ts'
import { postgresLimits, sessionOf } from '../config/postgresql.ts'
import { filesUnder, optionWords, type ProcessFiles, rootsOf } from '../config/process-files.ts'
import {
  type ConfigurationOf,
  firstConfiguration,
  haproxyPaths,
  nginxPaths,
} from '../config/where.ts'
import type { DatabaseSession, ProgramFacts } from '../facts.ts'
import { type HostFiles, readOrNull } from '../host-files.ts'
import { cgroupOfPid, commandOf, parentOf } from '../process.ts'
import type { CanRun, HostAsk } from '../reader.ts'
import { decimal } from '../text.ts'

/** Sessions of a database of which the titles are read. */
const MAX_SESSIONS = 3000
const MAX_WORKERS = 64

/**
 * How many connections the asked programs take, by their own configuration, and what says how many they have: HAProxy, nginx,
 * PostgreSQL. Nothing of a configuration or a title goes on but the limits, the checked servers, and which sessions are idle.
 */
export const programs = {
  id: 'programs',

  canRun(host: HostFiles, ask: HostAsk): CanRun {
    if (ask.pids === undefined || ask.pids.length === 0) {
      return { is: 'no', why: 'no process was asked for' }
    }
    const readable = ask.pids.some((pid) => commandOf(host, pid) !== '')
    return readable ? { is: 'yes' } : { is: 'no', why: 'the processes are gone' }
  },

  /** Of several processes of one program, a master and its workers, one entry: the master's. */
  read(host: HostFiles, ask: HostAsk): ProgramFacts[] {
    const found = new Map<number, ProgramFacts>()
    for (const pid of new Set(ask.pids ?? [])) {
      const command = commandOf(host, pid)
      if (!Object.hasOwn(KNOWN, command)) continue
      const of = masterOf(host, pid, command)
      const known = found.get(of)
      if (known !== undefined) continue
      const program = KNOWN[command as keyof typeof KNOWN](host, of)
      if (program !== null) {
        found.set(of, { ...NOTHING, pid: of, command, cgroup: cgroupOfPid(host, of), ...program })
      }
    }
    return [...found.values()]
  },
}

const NOTHING = { limits: [], checks: [], workers: [], sessions: null, reserved: 0 } as const

type Found = Partial<ProgramFacts> | null

const KNOWN = { haproxy: haproxyOf, nginx: nginxOf, postgres: postgresOf } as const

/** HAProxy's master takes no connections; nginx's and PostgreSQL's stand for all their children. */
function masterOf(host: HostFiles, pid: number, command: string): number {
  const parent = command === 'haproxy' ? null : parentOf(host, pid)
  return parent !== null && commandOf(host, parent) === command ? parent : pid
}

function haproxyOf(host: HostFiles, pid: number): Found {
  return firstConfiguration(host, pid, (files, words, cwd) =>
    haproxyLimits(files, haproxyPaths(words, cwd, HAPROXY_FILES)),
  )
}

function nginxOf(host: HostFiles, pid: number): Found {
  const read: ConfigurationOf<ReturnType<typeof nginxConnections>> = (files, words) =>
    firstOf(nginxPaths(words), (path) => nginxConnections(files, path))
  const limit = firstConfiguration(host, pid, read)
  if (limit === null) return null
  const children = childrenOf(host, pid) ?? []
  const workers = (children.length === 0 ? [pid] : children).filter(
    (child) => commandOf(host, child) === 'nginx',
  )
  return {
    limits: [limit],
    workers: workers
      .slice(0, MAX_WORKERS)
      .map((worker) => ({ pid: worker, open: openOf(host, worker) })),
  }
}

function firstOf<T, U>(items: readonly T[], find: (item: T) => U | null): U | null {
  for (const item of items) {
    const found = find(item)
    if (found !== null) return found
  }
  return null
}

/** Since Linux 6.2 the folder's size tells it. */
function openOf(host: HostFiles, pid: number): number {
  const size = readOrNull(host.size(`/proc/${pid}/fd`)) ?? 0
  return size > 0 ? size : (readOrNull(host.names(`/proc/${pid}/fd`)) ?? []).length
}

function postgresOf(host: HostFiles, pid: number): Found {
  const words = optionWords('postgres', readOrNull(host.text(`/proc/${pid}/cmdline`)) ?? '')
  const data = readOrNull(host.link(`/proc/${pid}/cwd`)) ?? '/'
  const limits = firstOf(rootsOf(host, pid), (root) => {
    const files: ProcessFiles = filesUnder(host, root)
    return postgresLimits(files, words, data)
  })
  const sessions = sessionsOf(host, pid)
  if (limits === null && sessions === null) return null
  return {
    limits: limits === null ? [] : [limits.limit],
    reserved: limits?.reserved ?? 0,
    sessions,
  }
}

function sessionsOf(host: HostFiles, pid: number): DatabaseSession[] | null {
  const children = childrenOf(host, pid)
  if (children === null) return null
  return children.slice(0, MAX_SESSIONS).flatMap((child) => {
    const session = sessionOf(readOrNull(host.text(`/proc/${child}/cmdline`)) ?? '')
    return session === null ? [] : [{ pid: child, ...session }]
  })
}

/** Of its first thread; null: the kernel was built without CONFIG_PROC_CHILDREN, or it is gone. */
function childrenOf(host: HostFiles, pid: number): number[] | null {
  const text = readOrNull(host.text(`/proc/${pid}/task/${pid}/children`))
  if (text === null) return null
  return text.split(' ').flatMap((word) => decimal(word) ?? [])
}
