import type { HostReader } from '../reader.ts'
import { conntrack } from './conntrack.ts'
import { counters } from './counters.ts'
import { descriptors } from './descriptors.ts'
import { disks } from './disks.ts'
import { interfaces } from './interfaces.ts'
import { listenerSettings } from './listener-settings.ts'
import { listeners } from './listeners.ts'
import { namespaces } from './namespaces.ts'
import { openFiles } from './open-files.ts'
import { pressure } from './pressure.ts'
import { processes } from './processes.ts'
import { programs } from './programs.ts'
import { settings } from './settings.ts'
import { sockets } from './sockets.ts'

/** Sorted by id. A new reader is one file and one line. */
export const readers = [
  conntrack,
  counters,
  descriptors,
  disks,
  interfaces,
  listenerSettings,
  listeners,
  namespaces,
  openFiles,
  pressure,
  processes,
  programs,
  settings,
  sockets,
] as const satisfies readonly HostReader<unknown>[]
