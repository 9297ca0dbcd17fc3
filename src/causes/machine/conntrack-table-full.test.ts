import { machineTable } from '../../../test/helpers/machine-table.ts'
import { conntrackTableFull } from '../conntrack-table-full.ts'

function table(count: number, drop: number) {
  return { count, max: 65_536, counters: new Map([['drop', drop]]), faults: [] }
}

machineTable(conntrackTableFull, [
  {
    name: 'full, and packets are dropped',
    netns: { conntrack: table(65_536, 10) },
    netnsBefore: { conntrack: table(65_536, 3) },
    is: 'confirmed',
    count: 7,
    because: ['filled', 'refused'],
  },
  { name: 'full, nothing dropped meanwhile', netns: { conntrack: table(65_536, 3) }, is: 'likely' },
  {
    name: 'nearly full: a notice',
    netns: { conntrack: table(60_000, 0) },
    is: 'possible',
    variant: 'near',
    severity: 'notice',
  },
  {
    name: 'near miss: drops of another reason, the table has room',
    netns: { conntrack: table(100, 10) },
    netnsBefore: { conntrack: table(100, 3) },
    is: 'nothing',
  },
  { name: 'near miss: no connection tracking', is: 'nothing' },
])
