import { machineTable } from '../../../test/helpers/machine-table.ts'
import { ephemeralPortsExhausted } from '../ephemeral-ports-exhausted.ts'

const failed = {
  kind: 'connect-failed',
  event: 'syscalls/sys_exit_connect',
  reason: 'EADDRNOTAVAIL',
  pid: 77,
  command: 'app',
} as const

function use(used: number) {
  const destination = { address: '10.77.3.3', port: 3306 }
  return {
    range: { first: 32_768, last: 60_999, ports: 28_232 },
    destinations: [{ localAddress: '10.77.2.2', destination, used, timeWait: used - 10 }],
  }
}

machineTable(ephemeralPortsExhausted, [
  {
    name: 'connects fail, and the range is full',
    events: [failed],
    netns: { ephemeral: use(28_232) },
    is: 'confirmed',
    pid: 77,
    because: ['call-failed', 'in-use'],
  },
  {
    name: 'connects fail, no destination has the whole range',
    events: [failed],
    is: 'confirmed',
    against: ['no-full-range'],
  },
  {
    name: 'threads that are gone: one finding for all, by the process that holds connections there',
    events: [901, 902, 903].map((pid) => ({ ...failed, pid, command: 'app-77' })),
    sockets: [{ pid: 77, remote: { address: '10.77.3.3', port: 3306 } }],
    netns: { ephemeral: use(28_232) },
    is: 'confirmed',
    pid: 77,
    count: 3,
  },
  {
    name: 'threads that are gone, and nobody knows whose: no process is named',
    events: [901, 902, 903].map((pid) => ({ ...failed, pid })),
    netns: { ephemeral: use(28_232) },
    is: 'confirmed',
    variant: 'threads',
    count: 3,
  },
  { name: 'full, nobody tried meanwhile', netns: { ephemeral: use(28_232) }, is: 'likely' },
  {
    name: 'nearly full: a notice',
    netns: { ephemeral: use(26_000) },
    is: 'possible',
    variant: 'near',
    severity: 'notice',
  },
  { name: 'near miss: half', netns: { ephemeral: use(14_000) }, is: 'nothing' },
])
