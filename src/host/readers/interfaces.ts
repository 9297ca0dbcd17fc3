// Linux net/core/net-procfs.c dev_seq_printf_stats, v6.18: receive and transmit, eight columns each.
import type { InterfaceFact, InterfaceFacts } from '../facts.ts'
import type { HostFiles } from '../host-files.ts'
import { canRead, type HostAsk, type HostFault, netFolder, textOr } from '../reader.ts'
import { decimal, linesOf, wordsOf } from '../text.ts'

const COLUMNS = [
  'rx_bytes',
  'rx_packets',
  'rx_errors',
  'rx_dropped',
  'rx_fifo',
  'rx_frame',
  'rx_compressed',
  'rx_multicast',
  'tx_bytes',
  'tx_packets',
  'tx_errors',
  'tx_dropped',
  'tx_fifo',
  'tx_collisions',
  'tx_carrier',
  'tx_compressed',
] as const

/** What each interface of the namespace carried and dropped. */
export const interfaces = {
  id: 'interfaces',

  canRun: (host: HostFiles, ask: HostAsk) => canRead(host, [`${netFolder(ask)}/dev`]),

  read(host: HostFiles, ask: HostAsk): InterfaceFacts {
    const faults: HostFault[] = []
    const text = textOr(host.text(`${netFolder(ask)}/dev`), faults)
    const found = linesOf(text).map(parseLine)
    return { interfaces: found.filter((line) => line !== null), faults }
  },
}

/** "  eth0: 1 2 3 ...", also without the blank ("eth0:123 ..."); the two lines of headings have "|". */
function parseLine(line: string): InterfaceFact | null {
  const [, name = '', rest = ''] = /^\s*([^\s|]+):\s*(.*)$/.exec(line) ?? []
  const values = wordsOf(rest).map(decimal)
  if (name === '' || values.length < COLUMNS.length) return null
  const counters = new Map<string, number>()
  for (const [at, column] of COLUMNS.entries()) {
    const value = values[at]
    if (value != null) counters.set(column, value)
  }
  return { name, counters }
}
