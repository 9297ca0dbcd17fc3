import { machineTable } from '../../../test/helpers/machine-table.ts'
import { descriptorExhaustion } from '../descriptor-exhaustion.ts'

const emfile = { kind: 'accept-failed', reason: 'EMFILE', pid: 77, command: 'app-77' } as const

machineTable(descriptorExhaustion, [
  {
    name: 'accept4 failed, and the table is full',
    events: [emfile],
    processes: [{ total: 1024, soft: 1024 }],
    processesBefore: [{ total: 1000, soft: 1024 }],
    is: 'confirmed',
    pid: 77,
    severity: 'problem',
    because: ['call-failed', 'descriptors', 'kinds', 'growth'],
  },
  {
    name: 'accept4 failed; its descriptors may not be counted',
    events: [emfile],
    is: 'confirmed',
    because: ['call-failed'],
  },
  {
    name: 'full, nothing tried to open one meanwhile',
    processes: [{ total: 1024, soft: 1024 }],
    is: 'likely',
  },
  {
    name: 'full, and calls could not be watched',
    processes: [{ total: 1024, soft: 1024 }],
    watched: false,
    is: 'likely',
    against: ['no-events'],
  },
  {
    name: 'nearly full: a notice before it happens',
    processes: [{ total: 980, soft: 1024 }],
    is: 'possible',
    variant: 'near',
    severity: 'notice',
  },
  {
    name: 'its CLOSE-WAIT sockets are counted',
    processes: [{ total: 1024, soft: 1024 }],
    sockets: [{ state: 'CLOSE-WAIT', inode: 9, pid: 77 }],
    is: 'likely',
    because: ['close-wait'],
  },
  { name: 'near miss: half', processes: [{ total: 512, soft: 1024 }], is: 'nothing' },
  {
    name: 'near miss: no limit',
    processes: [{ total: 100_000, soft: null, hard: null }],
    is: 'nothing',
  },
  {
    name: 'near miss: another error of accept4',
    events: [{ ...emfile, reason: 'ECONNABORTED' }],
    is: 'nothing',
  },
])
