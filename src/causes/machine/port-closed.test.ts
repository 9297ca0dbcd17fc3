import { machineTable } from '../../../test/helpers/machine-table.ts'
import { portClosed } from '../port-closed.ts'

const ends = {
  local: { address: '10.77.2.2', port: 80 },
  remote: { address: '10.77.1.2', port: 40_000 },
}
const client = { local: ends.remote, remote: ends.local, timeNs: 1_000_100n } as const

machineTable(portClosed, [
  {
    name: 'the client is on this host and was told ECONNREFUSED',
    events: [
      { ...ends, reason: 'NO_SOCKET', answers: true },
      { kind: 'error', event: 'sock/inet_sk_error_report', reason: 'ECONNREFUSED', ...client },
    ],
    is: 'confirmed',
  },
  {
    name: 'a stranger: it may have been a segment of an unknown connection',
    events: [{ ...ends, reason: 'NO_SOCKET', answers: true }],
    is: 'possible',
    against: ['or-unknown'],
  },
  {
    name: 'near miss: this host is the client, and resets an answer of a server that it does not know',
    events: [{ local: ends.remote, remote: ends.local, reason: 'NO_SOCKET', answers: true }],
    is: 'nothing',
  },
  {
    name: 'a restart: somebody listens there at the end',
    events: [
      { ...ends, reason: 'NO_SOCKET', answers: true },
      { kind: 'error', event: 'sock/inet_sk_error_report', reason: 'ECONNREFUSED', ...client },
    ],
    listeners: [{ pid: 77, inode: 501 }],
    listenersBefore: [],
    is: 'confirmed',
    variant: 'listens-again',
    because: ['no-socket', 'listens-since'],
  },
  {
    name: 'somebody listens at another address',
    events: [
      { ...ends, reason: 'NO_SOCKET', answers: true },
      { kind: 'error', event: 'sock/inet_sk_error_report', reason: 'ECONNREFUSED', ...client },
    ],
    listeners: [{ pid: 77, local: { address: '127.0.0.1', port: 80 } }],
    is: 'confirmed',
    because: ['elsewhere'],
  },
  {
    name: 'near miss: an established client, reset',
    events: [
      { ...ends, reason: 'NO_SOCKET', answers: true },
      { kind: 'error', event: 'sock/inet_sk_error_report', reason: 'ECONNRESET', ...client },
    ],
    is: 'nothing',
  },
])
