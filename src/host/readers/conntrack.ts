// Linux net/netfilter/nf_conntrack_standalone.c ct_cpu_seq_show, v6.18: names in the first line, hexadecimal below.
import type { ConntrackFacts } from '../facts.ts'
import { type HostFiles, readOrNull } from '../host-files.ts'
import { type CanRun, type HostAsk, type HostFault, netFolder, textOr } from '../reader.ts'
import { decimal, hexadecimal, linesOf, wordsOf } from '../text.ts'

const COUNT = '/proc/sys/net/netfilter/nf_conntrack_count'
const MAX = '/proc/sys/net/netfilter/nf_conntrack_max'

/** How full the table of connection tracking is, and what it lost. */
export const conntrack = {
  id: 'conntrack',

  canRun(host: HostFiles): CanRun {
    const read = host.text(COUNT)
    if (read.is === 'read') return { is: 'yes' }
    return read.why === 'missing'
      ? { is: 'no', why: 'connection tracking is not loaded (module nf_conntrack)' }
      : { is: 'no', why: `${COUNT}: may not be read` }
  },

  /** The statistics are of the asked namespace, `count` and `max` of the reader's own. */
  read(host: HostFiles, ask: HostAsk): ConntrackFacts {
    const faults: HostFault[] = []
    const path = `${netFolder(ask)}/stat/nf_conntrack`
    return {
      count: numberIn(textOr(host.text(COUNT), faults)),
      max: numberIn(readOrNull(host.text(MAX)) ?? ''),
      counters: sumColumns(textOr(host.text(path), faults)),
      faults,
    }
  },
}

/** Sums over the processors; `entries` is the same number in every line, and `count` tells it. */
function sumColumns(text: string): Map<string, number> {
  const [heading = '', ...lines] = linesOf(text)
  const sums = new Map<string, number>()
  const names = wordsOf(heading)
  for (const line of lines) {
    const words = wordsOf(line)
    for (const [at, name] of names.entries()) {
      const value = hexadecimal(words[at])
      if (value !== null && name !== 'entries') sums.set(name, (sums.get(name) ?? 0) + value)
    }
  }
  return sums
}

function numberIn(text: string): number | null {
  return decimal(text.trim())
}
