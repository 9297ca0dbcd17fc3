import { machineTable } from '../../../test/helpers/machine-table.ts'
import { timeWaitPile } from '../time-wait-pile.ts'

function many(count: number) {
  return Array.from({ length: count }, (_, i) => ({
    state: 'TIME-WAIT' as const,
    inode: 0,
    remote: { address: '10.77.1.2', port: 10_000 + i },
  }))
}

machineTable(timeWaitPile, [
  {
    name: 'many, and ports are free',
    sockets: many(1500),
    netns: {
      ephemeral: { range: { first: 32_768, last: 60_999, ports: 28_232 }, destinations: [] },
    },
    is: 'confirmed',
    severity: 'benign',
    count: 1500,
  },
  { name: 'the range cannot be read', sockets: many(1500), is: 'likely', severity: 'benign' },
  {
    name: 'near miss: connects fail for want of ports',
    sockets: many(1500),
    events: [{ kind: 'connect-failed', reason: 'EADDRNOTAVAIL', pid: 7 }],
    is: 'nothing',
  },
  { name: 'near miss: a few hundred', sockets: many(300), is: 'nothing' },
])
