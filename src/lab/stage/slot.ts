import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { failed } from './wait.ts'

/**
 * Runs do not clash: each takes a slot, a folder that only one can make, and the slot's number is in the names of its
 * namespaces and trace instance and in its addresses (10.64.x.x to 10.127.x.x).
 */
export interface Slot {
  number: number
  /** "twlab5": what every name begins with. */
  prefix: string
  /** Its folder, for configurations, data and logs. */
  folder: string
}

/** What the names of all network namespaces of labs begin with; a number and a hyphen follow. */
export const LAB_PREFIX = 'twlab'

const SLOTS = 64
const FOLDER = /^tcpwhy-lab-(\d{1,2})$/
const OWNER = 'owner'

export function takeSlot(pid = process.pid): Slot {
  for (let number = 0; number < SLOTS; number++) {
    const slot = slotOf(number)
    try {
      mkdirSync(slot.folder, { mode: 0o755 })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue
      throw failed(`Cannot make ${slot.folder}`, error)
    }
    // Somebody with another folder for temporary files, or what nobody removed.
    if (namespacesOf(slot).length > 0) {
      releaseSlot(slot)
      continue
    }
    writeFileSync(join(slot.folder, OWNER), `${pid} ${startTimeOf(pid)}\n`)
    return slot
  }
  throw failed(`All ${SLOTS} places for labs in ${tmpdir()} are taken`)
}

function slotOf(number: number): Slot {
  return {
    number,
    prefix: `${LAB_PREFIX}${number}`,
    folder: join(tmpdir(), `tcpwhy-lab-${number}`),
  }
}

const NAMESPACES = '/run/netns'
const NAMESPACE = new RegExp(`^${LAB_PREFIX}(\\d{1,2})-[a-z0-9]+$`)

/** Names of the network namespaces that carry its number. */
export function namespacesOf({ prefix }: Slot): string[] {
  if (!existsSync(NAMESPACES)) return []
  return readdirSync(NAMESPACES).filter((name) => name.startsWith(`${prefix}-`))
}

/** Namespaces of labs that have no folder here. */
export function strayNamespaces(): string[] {
  if (!existsSync(NAMESPACES)) return []
  return readdirSync(NAMESPACES).filter((name) => {
    const [, number] = NAMESPACE.exec(name) ?? []
    return number !== undefined && !existsSync(slotOf(Number(number)).folder)
  })
}

export function releaseSlot(slot: Slot): void {
  rmSync(slot.folder, { recursive: true, force: true })
}

/** Slots of runs that were killed: their owner, told by pid and start time, is gone. */
export function abandonedSlots(): Slot[] {
  return readdirSync(tmpdir())
    .flatMap((name) => FOLDER.exec(name)?.[1] ?? [])
    .map((number) => slotOf(Number(number)))
    .filter((slot) => isOurs(slot.folder) && isAbandoned(slot.folder))
}

/** Anybody may make folders in /tmp: only root's count. */
function isOurs(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false })
  return found?.isDirectory() === true && found.uid === process.getuid?.()
}

const YOUNG_MS = 5000

function isAbandoned(folder: string): boolean {
  const path = join(folder, OWNER)
  // Between its making and its owner's name there is a moment.
  if (!existsSync(path)) return Date.now() - lstatSync(folder).ctimeMs > YOUNG_MS
  const [pid = '', startTime = ''] = readFileSync(path, 'utf8').trim().split(' ')
  return isDead({ pid: Number(pid), startTime })
}

export function isDead({ pid, startTime }: { pid: number; startTime: string }): boolean {
  return startTimeOf(pid) !== startTime
}

/** Field 22 of /proc/PID/stat: with it a pid is one process and no later one. '' = no such process. */
export function startTimeOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name, in parentheses, may hold spaces: 22 is the 20th after it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
