import { machineTable } from '../../../test/helpers/machine-table.ts'
import { lingerZero } from '../linger-zero.ts'

const ends = {
  local: { address: '10.77.2.2', port: 80 },
  remote: { address: '10.77.1.2', port: 40_000 },
}
const byProcess = { ...ends, pid: 77, command: 'app', state: 'CLOSED', answers: false } as const
const own = { pid: 77, local: { address: '0.0.0.0', port: 80 } } as const

const reset = { ...byProcess, reason: 'TCP_STATE' } as const
/** What the kernel tells of the socket just before its reset. */
const closed = {
  ...ends,
  kind: 'state',
  event: 'sock/inet_sock_set_state',
  state: 'CLOSED',
  timeNs: 999_000n,
} as const

machineTable(lingerZero, [
  {
    name: 'TCP_STATE by a process whose listener lives on, while its client had not closed',
    events: [{ ...closed, from: 'ESTABLISHED' }, reset],
    is: 'confirmed',
    severity: 'problem',
    pid: 77,
    because: ['kernel-said', 'client-open'],
  },
  {
    name: 'by threads that are gone, of the one process of that name that listens there: one finding',
    listeners: [
      {
        local: { address: '0.0.0.0', port: 80 },
        holders: [{ pid: 70, command: 'app', fd: 3, cgroup: null, waits: 'accept' }],
      },
    ],
    events: [901, 902, 903].map((pid) => ({
      ...{ ...reset, pid },
      remote: { ...ends.remote, port: 40_000 + pid },
    })),
    is: 'confirmed',
    pid: 70,
    count: 3,
    of: 1,
  },
  {
    name: 'near miss: two processes of that name listen there, so each is told for itself',
    listeners: [
      {
        local: { address: '0.0.0.0', port: 80 },
        holders: [70, 71].map((pid) => ({
          ...{ pid, command: 'app', fd: 3, cgroup: null, waits: 'accept' as const },
        })),
      },
    ],
    events: [901, 902].map((pid) => ({ ...reset, pid })),
    is: 'confirmed',
    of: 2,
  },
  {
    name: 'its client had closed before: nobody misses anything',
    events: [{ ...closed, from: 'CLOSE-WAIT' }, reset],
    is: 'confirmed',
    severity: 'notice',
    against: ['client-had-closed'],
  },
  {
    name: 'a kernel that does not tell states: no word of no harm',
    events: [reset],
    is: 'confirmed',
    severity: 'problem',
    against: ['client-unknown'],
  },
  {
    name: 'the client is on this host and got the error',
    events: [
      reset,
      {
        ...{ kind: 'error', event: 'sock/inet_sk_error_report', reason: 'ECONNRESET' },
        ...{ local: ends.remote, remote: ends.local },
      },
    ],
    is: 'confirmed',
    severity: 'problem',
    because: ['client-told'],
  },
  {
    name: 'a client of this host resets what it had opened: its own decision',
    events: [{ ...reset, local: ends.remote, remote: ends.local }],
    is: 'confirmed',
    severity: 'notice',
  },
  {
    name: 'near miss: it does so by the clock (health-check)',
    events: [1, 2, 3, 4].map((n) => ({
      ...{ ...reset, local: { ...ends.remote, port: 40_000 + n }, remote: ends.local },
      timeNs: BigInt(n) * 500_000_000n,
    })),
    is: 'nothing',
  },
  {
    name: 'with data unsent it is a problem',
    events: [{ ...byProcess, reason: 'TCP_DISCONNECT_WITH_DATA' }],
    is: 'confirmed',
    severity: 'problem',
  },
  {
    name: 'near miss: the listener was closed in the same moment (listener-closed)',
    events: [
      { kind: 'state', event: 'sock/inet_sock_set_state', from: 'LISTEN', state: 'CLOSED', ...own },
      { ...byProcess, reason: 'TCP_STATE', timeNs: 1_000_500n },
    ],
    is: 'nothing',
  },
  {
    name: 'near miss: a live state, ss -K (admin-kill)',
    events: [{ ...byProcess, reason: 'TCP_STATE', state: 'ESTABLISHED' }],
    is: 'nothing',
  },
])
