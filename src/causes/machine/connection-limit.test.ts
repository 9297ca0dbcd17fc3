import { machineTable } from '../../../test/helpers/machine-table.ts'
import type { ListenerWait } from '../../host/facts.ts'
import { connectionLimit } from '../connection-limit.ts'

const at = { ports: null, file: '/etc/x.conf', line: 3 }

function clients(count: number) {
  return Array.from({ length: count }, (_, i) => ({
    inode: 2000 + i,
    remote: { address: '10.77.1.2', port: 40_000 + i },
  }))
}

function waiting(waits: ListenerWait) {
  const holder = { pid: 77, fd: 5, command: 'haproxy', cgroup: null, waits }
  return [{ pid: 77, waits, holders: [holder], depth: 21, limit: 20 }]
}

const maxconn = { ...at, setting: 'global: maxconn', value: 20 }
const haproxy = { pid: 77, limits: [maxconn] }
const nginx = {
  ...{ pid: 76, command: 'nginx', workers: [{ pid: 77, open: 48 }] },
  limits: [{ ...at, setting: 'worker_connections', value: 40 }],
}
const postgres = {
  ...{ pid: 77, command: 'postgres', reserved: 3 },
  limits: [{ ...at, setting: 'max_connections', value: 10, line: null }],
}

function sockets(socket: number) {
  return { socket, pipe: 0, file: 3, device: 1, eventpoll: 1, other: 1 }
}

function sessions(count: number) {
  return Array.from({ length: count }, (_, i) => ({
    ...{ pid: 100 + i, client: null },
    activity: i === 0 ? ('idle in transaction' as const) : ('idle' as const),
  }))
}

machineTable(connectionLimit, [
  {
    name: 'HAProxy at maxconn does not look at its listener any more',
    sockets: clients(20),
    listeners: waiting('none'),
    programs: [haproxy],
    is: 'confirmed',
    variant: 'haproxy',
    pid: 77,
    count: 20,
    because: ['holds', 'stopped-accepting', 'limit-configured'],
  },
  {
    name: 'a proxy of it has a limit of its own',
    sockets: clients(20),
    listeners: waiting('none'),
    programs: [
      { pid: 77, limits: [{ ...maxconn, setting: 'frontend web: maxconn', ports: [80] }] },
    ],
    is: 'confirmed',
  },
  {
    name: 'near miss: far more than the file allows: it is not what the program runs with',
    sockets: clients(60),
    listeners: waiting('none'),
    programs: [haproxy],
    is: 'nothing',
  },
  {
    name: 'near miss: the limit is of another proxy',
    sockets: clients(20),
    listeners: waiting('none'),
    programs: [{ pid: 77, limits: [{ ...maxconn, ports: [81] }] }],
    is: 'nothing',
  },
  {
    name: 'near miss: as many as it may have, and it still accepts: one has ended meanwhile',
    sockets: clients(20),
    listeners: waiting('epoll'),
    programs: [haproxy],
    is: 'nothing',
  },
  {
    name: 'near miss: it is stuck for another reason, with room left',
    sockets: clients(12),
    listeners: waiting('none'),
    programs: [haproxy],
    is: 'nothing',
  },
  {
    name: 'a worker of nginx without a free connection',
    listeners: [{ pid: 77 }],
    programs: [nginx],
    processes: [{ pid: 77, byKind: sockets(41), elsewhere: 2 }],
    is: 'likely',
    variant: 'nginx',
    pid: 77,
    count: 40,
    because: ['worker-holds', 'limit-configured'],
  },
  {
    name: 'a worker that has just freed some, and closes its clients unserved',
    listeners: [{ pid: 77 }],
    programs: [nginx],
    processes: [{ pid: 77, byKind: sockets(38), elsewhere: 2 }],
    events: [
      {
        ...{ pid: 77, command: 'nginx', state: 'CLOSED', answers: false },
        ...{ reason: 'TCP_ABORT_ON_CLOSE', remote: { address: '10.77.1.2', port: 40_000 } },
        local: { address: '10.77.2.2', port: 80 },
      },
    ],
    is: 'likely',
    because: ['closed-unread'],
  },
  {
    name: 'a worker that closes idle connections to make room: nobody is refused',
    listeners: [{ pid: 77 }],
    programs: [nginx],
    processes: [{ pid: 77, byKind: sockets(38), elsewhere: 2 }],
    is: 'likely',
    severity: 'notice',
    variant: 'nginx-near',
    because: ['makes-room'],
  },
  {
    name: 'near miss: a worker with room',
    listeners: [{ pid: 77 }],
    programs: [nginx],
    processes: [{ pid: 77, byKind: sockets(33), elsewhere: 2 }],
    is: 'nothing',
  },
  {
    name: 'PostgreSQL with all places taken but those of superusers',
    listeners: [{ pid: 77 }],
    programs: [{ ...postgres, sessions: sessions(7) }],
    is: 'confirmed',
    variant: 'postgresql',
    because: ['sessions', 'sessions-do', 'limit-default'],
  },
  {
    name: 'PostgreSQL whose titles cannot be read: its sockets',
    sockets: clients(8),
    listeners: [{ pid: 77 }],
    programs: [postgres],
    is: 'likely',
  },
  {
    name: 'near miss: a place is free',
    listeners: [{ pid: 77 }],
    programs: [{ ...postgres, sessions: sessions(6) }],
    is: 'nothing',
  },
])
