// Linux Documentation/accounting/psi.rst, Documentation/filesystems/proc.rst (loadavg, meminfo), sysctl/fs.rst.
import type { Pressure, PressureFacts } from '../facts.ts'
import { type HostFiles, readOrNull } from '../host-files.ts'
import { canRead, type HostFault, textOr } from '../reader.ts'
import { decimal, linesOf, wordsOf } from '../text.ts'

/** What the whole machine has left: processor, memory, open files. */
export const pressure = {
  id: 'pressure',

  canRun: (host: HostFiles) => canRead(host, ['/proc/loadavg', '/proc/meminfo']),

  read(host: HostFiles): PressureFacts {
    const faults: HostFault[] = []
    const psiOf = (name: string) => parsePsi(textOr(host.text(`/proc/pressure/${name}`), faults))
    return {
      psi: { cpu: psiOf('cpu'), memory: psiOf('memory'), io: psiOf('io') },
      load: parseLoad(textOr(host.text('/proc/loadavg'), faults)),
      memory: parseMemory(textOr(host.text('/proc/meminfo'), faults)),
      files: parseFiles(readOrNull(host.text('/proc/sys/fs/file-nr')) ?? ''),
      faults,
    }
  },
}

/** "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" */
function parsePsi(text: string): { some: Pressure | null; full: Pressure | null } {
  const found: { some: Pressure | null; full: Pressure | null } = { some: null, full: null }
  for (const line of linesOf(text)) {
    const [kind, ...words] = wordsOf(line)
    if (kind !== 'some' && kind !== 'full') continue
    const [avg10, avg60, avg300, totalUs] = ['avg10', 'avg60', 'avg300', 'total'].map((name) =>
      fraction(words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1)),
    )
    if (avg10 == null || avg60 == null || avg300 == null || totalUs == null) continue
    found[kind] = { avg10, avg60, avg300, totalUs }
  }
  return found
}

/** "0.52 0.58 0.59 2/713 12345" */
function parseLoad(text: string): PressureFacts['load'] {
  const words = wordsOf(text)
  const [one, five, fifteen] = words.slice(0, 3).map(fraction)
  const [running, tasks] = (words[3] ?? '').split('/').map(decimal)
  if (one == null || five == null || fifteen == null || running == null || tasks == null)
    return null
  return { one, five, fifteen, running, tasks }
}

/** "MemTotal:       16316412 kB"; those without a unit are counts and left out. */
function parseMemory(text: string): Map<string, number> {
  const found = new Map<string, number>()
  for (const line of linesOf(text)) {
    const [name = '', value, unit] = wordsOf(line)
    const kibibytes = decimal(value)
    if (unit === 'kB' && kibibytes !== null) found.set(name.replace(/:$/, ''), kibibytes * 1024)
  }
  return found
}

/** "1344	0	9223372036854775807": open, always 0 since 2.6, limit. */
function parseFiles(text: string): PressureFacts['files'] {
  const [open, , limit] = wordsOf(text).map(decimal)
  return open == null || limit == null ? null : { open, limit }
}

function fraction(word: string | undefined): number | null {
  return word !== undefined && /^\d{1,20}(\.\d{1,9})?$/.test(word) ? Number(word) : null
}
