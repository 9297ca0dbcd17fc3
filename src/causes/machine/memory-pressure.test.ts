import { machineTable } from '../../../test/helpers/machine-table.ts'
import { memoryPressure } from '../memory-pressure.ts'

const ends = {
  local: { address: '10.77.2.2', port: 80 },
  remote: { address: '10.77.1.2', port: 40_000 },
}

machineTable(memoryPressure, [
  {
    name: 'the kernel names it',
    events: [{ ...ends, reason: 'TCP_ABORT_ON_MEMORY', state: 'CLOSED', answers: false }],
    is: 'confirmed',
    because: ['kernel-said'],
  },
  {
    name: 'an old kernel counts it',
    counters: { TcpExtTCPAbortOnMemory: [3, 9] },
    hostSettings: { 'net.ipv4.tcp_mem': '1000 2000 3000' },
    is: 'confirmed',
    count: 6,
    because: ['counter-rose'],
  },
  {
    name: 'near miss: it was counted before we looked',
    counters: { TcpExtTCPAbortOnMemory: [9, 9] },
    is: 'nothing',
  },
])
