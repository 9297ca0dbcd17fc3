import { TcpwhyError } from '../../base/errors.ts'
import { type Container, findContainers } from '../../host/containers.ts'
import { type HostFiles, readOrNull } from '../../host/host-files.ts'

/** Whose network is meant: at most one of them; none is that of tcpwhy itself. */
export interface TargetAsk {
  /** A name of `ip netns`, or a path such as /proc/77/ns/net. */
  netns?: string
  pid?: number
  /** A container's name, the beginning of its id, or its host name. */
  container?: string
}

export interface Target {
  /** What leads to its network namespace; null: the one that tcpwhy runs in. */
  netns: string | null
  /** A process in it, where one is known. */
  pid: number | null
  /** For people: "container web (pid 77)". */
  label: string
}

const NETNS_FOLDERS = ['/run/netns', '/var/run/netns']
const LISTED = 8

/** @throws TcpwhyError TARGET_NOT_FOUND, TARGET_AMBIGUOUS, HOST_NOT_LINUX */
export function resolveTarget(host: HostFiles, ask: TargetAsk): Target {
  const [named] = (['pid', 'netns', 'container'] as const).filter((name) => ask[name] !== undefined)
  if (named !== undefined && host.platform() !== 'linux') throw notLinux(named, host.platform())
  if (ask.pid !== undefined) return ofPid(host, ask.pid)
  if (ask.netns !== undefined) return ofName(host, ask.netns)
  if (ask.container !== undefined) return ofContainer(host, ask.container)
  return { netns: null, pid: null, label: 'this host' }
}

function notLinux(named: string, platform: string): TcpwhyError {
  return new TcpwhyError(
    'HOST_NOT_LINUX',
    `--${named} names a network of Linux; this is ${platform}`,
    'Run tcpwhy on the Linux host, or in the virtual machine that the containers run in.',
  )
}

function ofPid(host: HostFiles, pid: number): Target {
  if (readOrNull(host.names(`/proc/${pid}`)) === null) {
    throw notFound(`There is no process ${pid}`, 'Check the number: pgrep -a NAME.')
  }
  return { netns: `/proc/${pid}/ns/net`, pid, label: `process ${pid}` }
}

function ofName(host: HostFiles, name: string): Target {
  const paths = name.includes('/') ? [name] : NETNS_FOLDERS.map((folder) => `${folder}/${name}`)
  const netns = paths.find((path) => host.inode(path).is === 'read')
  if (netns !== undefined) return { netns, pid: null, label: `network namespace ${name}` }
  const names = NETNS_FOLDERS.flatMap((folder) => readOrNull(host.names(folder)) ?? [])
  const known = [...new Set(names)].sort()
  throw notFound(
    `There is no network namespace ${name}`,
    known.length === 0
      ? 'No namespace here has a name (ip netns list): use --pid or --container.'
      : `Those with a name are: ${listed(known)}.`,
  )
}

function ofContainer(host: HostFiles, name: string): Target {
  const all = findContainers(host)
  const matches = matching(all, name)
  const [found] = matches
  if (found === undefined) {
    const names = all.map(describe).sort()
    throw notFound(
      `There is no running container ${name}`,
      names.length === 0
        ? 'No containers were found; as root more can be seen. Or use --pid of a process in it.'
        : `Those found are: ${listed([...new Set(names)])}.`,
    )
  }
  // The containers of a pod share one network: any of them will do.
  const networks = new Set(matches.map((one) => readOrNull(host.inode(`/proc/${one.pid}/ns/net`))))
  if (networks.size > 1) {
    throw new TcpwhyError(
      'TARGET_AMBIGUOUS',
      `${matches.length} containers are called ${name}`,
      `Give more of the id, or --pid: ${listed(matches.map(describe))}.`,
    )
  }
  const { pid } = found
  return { netns: `/proc/${pid}/ns/net`, pid, label: `container ${name} (pid ${pid})` }
}

/** The surest kind of match that there is: the whole name or id, then the beginning of an id, then a host name. */
function matching(all: readonly Container[], name: string): Container[] {
  const bare = name.replace(/^\//, '')
  const kinds: ((one: Container) => boolean)[] = [
    (one) => one.id === bare || one.names.includes(bare),
    (one) => /^[\da-f]{3,}$/.test(bare) && one.id.startsWith(bare),
    (one) => one.hostName === bare,
  ]
  for (const kind of kinds) {
    const found = all.filter(kind)
    if (found.length > 0) return found
  }
  return []
}

function describe({ id, names, hostName, pid }: Container): string {
  const short = /^[\da-f]{64}$/.test(id) ? id.slice(0, 12) : id
  const name = names[0] ?? hostName
  return `${short}${name === null || name === undefined || name === id ? '' : ` ${name}`} (pid ${pid})`
}

function listed(names: readonly string[]): string {
  const more = names.length > LISTED ? ` and ${names.length - LISTED} more` : ''
  return names.slice(0, LISTED).join(', ') + more
}

function notFound(what: string, todo: string): TcpwhyError {
  return new TcpwhyError('TARGET_NOT_FOUND', what, todo)
}
