import { machineTable } from '../../../test/helpers/machine-table.ts'
import { healthCheck } from '../health-check.ts'

const server = { address: '10.77.2.2', port: 9001 }

/** HAProxy's pid 77 opens and resets a connection at each of these moments. */
function resets(...momentsMs: number[]) {
  return momentsMs.map((ms, i) => ({
    ...{ pid: 77, command: 'haproxy', state: 'CLOSED', answers: false, reason: 'TCP_STATE' },
    ...{ local: { address: '10.77.1.2', port: 40_000 + i }, remote: server },
    timeNs: BigInt(ms) * 1_000_000n,
  })) as { timeNs: bigint }[]
}

const check = {
  address: server.address,
  port: server.port,
  intervalMs: 2000,
  file: '/h.cfg',
  line: 9,
}
const haproxy = { pid: 77, checks: [check] }

machineTable(healthCheck, [
  {
    name: 'every 500 ms',
    events: resets(200, 700, 1210, 1695),
    is: 'likely',
    severity: 'benign',
    pid: 77,
    count: 4,
    because: ['reset-by-clock', 'periodic'],
  },
  {
    name: 'two in 3 s, as the configuration says',
    events: resets(200, 2200),
    programs: [haproxy],
    is: 'likely',
    severity: 'benign',
    because: ['configured'],
  },
  {
    name: 'by the clock and by the configuration',
    events: resets(200, 700, 1210, 1695),
    programs: [{ pid: 77, checks: [{ ...check, intervalMs: 500 }] }],
    is: 'confirmed',
  },
  {
    name: 'near miss: two without a configuration keep no distance',
    events: resets(200, 2200),
    is: 'nothing',
  },
  {
    name: 'near miss: many more than it is told to make are traffic',
    events: resets(1, 2, 40, 41, 90, 130, 900, 1000, 2000, 2001),
    programs: [haproxy],
    is: 'nothing',
  },
  {
    name: 'near miss: a server that resets its clients by the clock',
    events: resets(200, 700, 1210, 1695).map((event) => ({
      ...event,
      ...{
        local: { address: '10.77.1.2', port: 80 },
        remote: { address: '10.77.2.2', port: 50_000 },
      },
    })),
    is: 'nothing',
  },
])
