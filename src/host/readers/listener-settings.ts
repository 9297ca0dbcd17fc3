import { defaultListen } from '../config/defaults.ts'
import { HAPROXY_FILES, haproxyListens } from '../config/haproxy.ts'
import { nginxListens } from '../config/nginx.ts'
import type { ProcessFiles } from '../config/process-files.ts'
import { firstConfiguration, haproxyPaths, nginxPaths } from '../config/where.ts'
import type { ConfiguredListen, Listener, ListenerSetting, ListenerSettingFacts } from '../facts.ts'
import type { HostFiles } from '../host-files.ts'
import { commandOf } from '../process.ts'
import type { CanRun, HostAsk } from '../reader.ts'

/**
 * Which setting of the asked processes decides the backlog of their listeners: from the configuration that each runs
 * with where it can be read, else the program's known default, as a hint. Command lines are looked at for the place of
 * the configuration, and nothing of them is kept.
 */
export const listenerSettings = {
  id: 'listener-settings',

  canRun(host: HostFiles, ask: HostAsk): CanRun {
    if (ask.pids === undefined || ask.pids.length === 0) {
      return { is: 'no', why: 'no process was asked for' }
    }
    const readable = ask.pids.some((pid) => commandOf(host, pid) !== '')
    return readable ? { is: 'yes' } : { is: 'no', why: 'the processes are gone' }
  },

  read(host: HostFiles, ask: HostAsk): ListenerSettingFacts {
    const settings = new Map<number, readonly ConfiguredListen[]>()
    for (const pid of ask.pids ?? []) {
      const listens = listensOf(host, pid)
      if (listens.length > 0) settings.set(pid, listens)
    }
    return { settings, faults: [] }
  },
}

/** Port 0 in those that hold for every port of the process. */
function listensOf(host: HostFiles, pid: number): readonly ConfiguredListen[] {
  const command = commandOf(host, pid)
  if (command === 'nginx') return firstConfiguration(host, pid, nginxOf) ?? []
  if (command === 'haproxy') return firstConfiguration(host, pid, haproxyOf) ?? []
  const known = defaultListen(command)
  return known === null ? [] : [{ ...known, port: 0 }]
}

function nginxOf(files: ProcessFiles, words: readonly string[]): ConfiguredListen[] | null {
  for (const path of nginxPaths(words)) {
    const found = nginxListens(files, path)
    if (found !== null) return found
  }
  return null
}

function haproxyOf(
  files: ProcessFiles,
  words: readonly string[],
  cwd: string,
): ConfiguredListen[] | null {
  return haproxyListens(files, haproxyPaths(words, cwd, HAPROXY_FILES))
}

/**
 * The setting of a process that concerns a listener: of its own address, else the only one of its port, else of all ports.
 * A mere hint that does not fit the listener's limit is none.
 * @param somaxconn  of its namespace, by which listen() cuts what a program asks for
 */
export function settingOf(
  { local, limit }: Pick<Listener, 'local' | 'limit'>,
  pid: number,
  { settings }: ListenerSettingFacts,
  somaxconn: number | null,
): ListenerSetting | null {
  const all = settings.get(pid) ?? []
  const atPort = all.filter(({ port }) => port === local.port)
  const found =
    preferred(atPort.filter(({ address }) => address === local.address)) ??
    (atPort.length === 1 ? atPort[0] : undefined) ?? // by a name, perhaps
    all.find(({ port }) => port === 0)
  if (found === undefined) return null
  const fits = fitsLimit(found.value, limit, somaxconn)
  return fits === false && found.file === null ? null : { ...found, pid, fits }
}

/** @see Linux net/socket.c __sys_listen: the backlog is unsigned, and cut to somaxconn */
function fitsLimit(
  value: number | null,
  limit: number | null,
  somaxconn: number | null,
): boolean | null {
  if (value === null || limit === null || somaxconn === null) return null
  return limit === (value < 0 ? somaxconn : Math.min(value, somaxconn))
}

/** One `listen` of an address says it for all that have the same. */
function preferred(listens: readonly ConfiguredListen[]): ConfiguredListen | undefined {
  return listens.find(({ from }) => from === 'configuration') ?? listens[0]
}
