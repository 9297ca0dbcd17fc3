import { lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDead } from './slot.ts'
import type { Undo } from './undo.ts'
import { cannot, failed } from './wait.ts'

/** Settings that exist once for the machine. Each is a file of /proc/sys that takes a number. */
export const TOUCHABLE = {
  'net.netfilter.nf_conntrack_max': 'net/netfilter/nf_conntrack_max',
} as const

export type Touchable = keyof typeof TOUCHABLE

export interface Places {
  /** Who changed what, with the values to put back: written before the change. */
  record: string
  sysctls: string
}

const PLACES: Places = { record: join(tmpdir(), 'tcpwhy-lab-touched'), sysctls: '/proc/sys' }

interface Touched {
  pid: number
  startTime: string
  before: Partial<Record<Touchable, string>>
}

/**
 * Changes such settings until `undo`. One run of the machine at a time: a second would take the first one's value for the machine's.
 * @throws TcpwhyError LAB_CANNOT_RUN
 */
export function touchHost(
  values: Partial<Record<Touchable, number>>,
  by: { pid: number; startTime: string },
  undo: Undo,
  places: Places = PLACES,
): void {
  const names = Object.keys(values) as Touchable[]
  const read = (name: Touchable) => readFileSync(pathOf(name, places), 'latin1').trim()
  const before = Object.fromEntries(names.map((name) => [name, read(name)]))
  try {
    writeFileSync(places.record, JSON.stringify({ ...by, before }), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw failed(places.record, error)
    throw cannot(
      'Another run has changed settings of this machine',
      `Wait until it has ended; ${places.record} says which.`,
    )
  }
  undo.add('putting settings of the machine back', () => putBack(places))
  for (const name of names) writeFileSync(pathOf(name, places), String(values[name]))
}

/** After a run that was killed. @returns the names of what was put back */
export function putBackLeft(places: Places = PLACES): string[] {
  const touched = touchedOf(places)
  return touched !== null && isDead(touched) ? putBack(places) : []
}

function putBack(places: Places): string[] {
  const before = touchedOf(places)?.before ?? {}
  const names = (Object.keys(before) as Touchable[]).filter((name) => name in TOUCHABLE)
  for (const name of names) {
    const value = before[name] ?? ''
    if (/^\d{1,10}$/.test(value)) writeFileSync(pathOf(name, places), value)
  }
  rmSync(places.record, { force: true })
  return names
}

/** Anybody may make files in /tmp: only root's own counts. */
function touchedOf({ record }: Places): Touched | null {
  const found = lstatSync(record, { throwIfNoEntry: false })
  if (found?.isFile() !== true || found.uid !== process.getuid?.()) return null
  try {
    return JSON.parse(readFileSync(record, 'utf8'))
  } catch {
    // Cut off while it was written: nothing had been changed yet.
    return { pid: 0, startTime: 'nobody', before: {} }
  }
}

function pathOf(name: Touchable, { sysctls }: Places): string {
  return join(sysctls, TOUCHABLE[name])
}
