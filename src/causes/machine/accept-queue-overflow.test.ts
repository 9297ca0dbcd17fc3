import { machineTable } from '../../../test/helpers/machine-table.ts'
import { acceptQueueOverflow } from '../accept-queue-overflow.ts'

const OVERFLOWS = 'TcpExtListenOverflows'
const DROPS = 'TcpExtListenDrops'
const full = { depth: 512, limit: 511, drops: 40, pid: 77 }

const backend = { inode: 600, local: { address: '10.77.2.2', port: 9001 } }

machineTable(acceptQueueOverflow, [
  {
    name: 'near miss: resets that end handshakes of health checks, beside the one listener that overflows',
    listeners: [
      { ...full, drops: 40 },
      { ...backend, depth: 0, limit: 511, drops: 16 },
    ],
    listenersBefore: [
      { depth: 512, limit: 511, drops: 10 },
      { ...backend, depth: 0, limit: 511, drops: 9 },
    ],
    counters: { [OVERFLOWS]: [10, 40], [DROPS]: [10, 40] },
    is: 'confirmed',
    count: 30,
    of: 1,
  },
  {
    name: 'near miss: as many RSTs ended handshakes as were dropped where there is room',
    listeners: [
      { ...full, drops: 40 },
      { ...backend, depth: 0, limit: 511, drops: 16 },
    ],
    listenersBefore: [
      { depth: 512, limit: 511, drops: 10 },
      { ...backend, depth: 0, limit: 511, drops: 9 },
    ],
    // Counters are read a little later than sockets.
    counters: { [OVERFLOWS]: [10, 44], [DROPS]: [10, 44], TcpExtEmbryonicRsts: [9, 16] },
    is: 'confirmed',
    of: 1,
  },
  {
    name: 'one of hundreds, with room before and after: a burst, worth a look',
    listeners: [{ ...full, depth: 0, drops: 1 }],
    listenersBefore: [{ depth: 2, limit: 511, drops: 0 }],
    counters: { [OVERFLOWS]: [0, 1], [DROPS]: [0, 1], TcpPassiveOpens: [0, 430] },
    is: 'confirmed',
    severity: 'notice',
    against: ['moment'],
  },
  {
    name: 'one of a few is one too many',
    listeners: [{ ...full, depth: 0, drops: 1 }],
    listenersBefore: [{ depth: 2, limit: 511, drops: 0 }],
    counters: { [OVERFLOWS]: [0, 1], [DROPS]: [0, 1], TcpPassiveOpens: [0, 20] },
    is: 'confirmed',
    severity: 'problem',
  },
  {
    name: 'full, refusing, and the kernel counts it',
    listeners: [full],
    listenersBefore: [{ depth: 512, limit: 511, drops: 10 }],
    counters: { [OVERFLOWS]: [10, 40] },
    settings: { 'net.core.somaxconn': '4096', 'net.ipv4.tcp_abort_on_overflow': '0' },
    is: 'confirmed',
    variant: 'syn-dropped',
    pid: 77,
    count: 30,
    because: ['queue-full', 'listener-dropped', 'overflows-rose', 'abort-off'],
  },
  {
    name: 'nobody waits at it, and its configuration is not in force',
    listeners: [
      {
        ...full,
        waits: 'none',
        holders: [{ pid: 77, fd: 3, command: 'nginx', cgroup: null, waits: 'none' }],
        setting: {
          address: null,
          port: 80,
          setting: 'listen ... backlog=',
          value: 4096,
          from: 'configuration',
          file: '/etc/nginx/nginx.conf',
          line: 12,
          fits: false,
          pid: 77,
        },
      },
    ],
    listenersBefore: [{ depth: 512, limit: 511, drops: 10 }],
    counters: { [OVERFLOWS]: [10, 40] },
    is: 'confirmed',
    because: ['nobody-waits', 'backlog-not-in-force'],
  },
  {
    name: 'with tcp_abort_on_overflow they are reset',
    listeners: [full],
    listenersBefore: [{ depth: 512, limit: 511, drops: 10 }],
    counters: { [OVERFLOWS]: [10, 40] },
    settings: { 'net.ipv4.tcp_abort_on_overflow': '1' },
    is: 'confirmed',
    variant: 'reset',
  },
  {
    name: 'a kernel that does not tell drops: the counter, and the queue that is full',
    listeners: [{ depth: 512, limit: 511, drops: null }],
    counters: { [OVERFLOWS]: [10, 40] },
    is: 'confirmed',
    count: 30,
  },
  {
    name: 'drained at both looks, and refused in between: alone in refusing',
    listeners: [{ depth: 0, limit: 511, drops: 40 }],
    listenersBefore: [{ depth: 3, limit: 511, drops: 10 }],
    counters: { [OVERFLOWS]: [10, 40] },
    is: 'confirmed',
  },
  {
    name: 'full, and nobody came: the next one is dropped',
    listeners: [{ depth: 512, limit: 511, drops: 0 }],
    counters: { [OVERFLOWS]: [0, 0] },
    is: 'likely',
    against: ['nobody-refused'],
  },
  {
    name: 'refused for another reason: no accept queue overflowed',
    listeners: [{ depth: 0, limit: 511, drops: 40 }],
    listenersBefore: [{ depth: 0, limit: 511, drops: 10 }],
    counters: { [OVERFLOWS]: [7, 7] },
    is: 'possible',
    against: ['no-overflows'],
  },
  {
    name: 'its process has no descriptor: a consequence',
    listeners: [full],
    listenersBefore: [{ depth: 512, limit: 511, drops: 10 }],
    counters: { [OVERFLOWS]: [10, 40] },
    events: [{ kind: 'accept-failed', reason: 'EMFILE', pid: 77, command: 'app-77' }],
    is: 'confirmed',
    consequenceOf: 'descriptor-exhaustion',
  },
  {
    name: 'a worker that is stopped is named, not the master that opened the listener for it',
    listeners: [
      {
        ...full,
        holders: [
          { pid: 77, fd: 6, command: 'nginx', cgroup: null, waits: 'none' },
          { pid: 78, fd: 6, command: 'nginx', cgroup: null, waits: 'epoll' },
          { pid: 79, fd: 6, command: 'nginx', cgroup: null, waits: 'epoll', stopped: true },
        ],
      },
    ],
    listenersBefore: [{ depth: 512, limit: 511, drops: 10 }],
    counters: { [OVERFLOWS]: [10, 40] },
    is: 'confirmed',
    pid: 79,
    because: ['stopped'],
  },
  {
    name: 'it overflowed before we looked: a notice',
    listeners: [{ depth: 0, limit: 511, drops: 40 }],
    counters: { [OVERFLOWS]: [40, 40] },
    is: 'likely',
    variant: 'past',
    severity: 'notice',
  },
  {
    name: 'near miss: health checks end their handshakes by RST, which the listener counts and ListenDrops does not',
    listeners: [{ depth: 0, limit: 511, drops: 40 }],
    listenersBefore: [{ depth: 0, limit: 511, drops: 10 }],
    counters: { [OVERFLOWS]: [7, 7], [DROPS]: [9, 9], TcpExtEmbryonicRsts: [10, 40] },
    is: 'possible',
    variant: 'past',
    count: 9,
    against: ['perhaps-resets'],
  },
  {
    name: 'near miss: health checks of a listener that never refused anybody',
    listeners: [{ depth: 0, limit: 511, drops: 40 }],
    listenersBefore: [{ depth: 0, limit: 511, drops: 10 }],
    counters: { [OVERFLOWS]: [0, 0], [DROPS]: [0, 0] },
    is: 'nothing',
  },
  {
    name: 'near miss: at the limit, one more fits',
    listeners: [{ depth: 511, limit: 511, drops: 0 }],
    is: 'nothing',
  },
  {
    name: 'near miss: busy and drained',
    listeners: [{ depth: 300, limit: 511, drops: 0 }],
    counters: { [OVERFLOWS]: [3, 3] },
    is: 'nothing',
  },
  {
    name: 'near miss: limits are not told (/proc) and nothing rose',
    listeners: [{ depth: 300, limit: null, drops: null }],
    is: 'nothing',
  },
])
