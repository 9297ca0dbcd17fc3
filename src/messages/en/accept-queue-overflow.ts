import type { CauseMessages } from '../types.ts'
import { acceptQueue, bursts } from './commands.ts'
import { backlogSays, connectSays, loadSays } from './experiments.ts'

export const acceptQueueOverflow = {
  title: "{server}'s accept queue was full: {connections:count} connects dropped",
  because: {
    ...connectSays,
    ...backlogSays,
    ...loadSays,
    'syn-unanswered': 'SYN sent {syns:count} times in {within:ms} to {server}, nothing came back',
    'syn-once': 'SYN sent once to {server}, nothing came back',
    'syn-answered-late':
      'the SYN had to be sent {syns:count} times; the SYN-ACK came {late:ms} after the first',
    'syn-arrived': 'the SYNs reached {server}, which sent nothing back',
    'arrival-unknown': 'the capture does not show whether the SYNs reached {server}',
    'answers-others': '{server} answered other connections before and after',
    'queue-waiting':
      '{queued:count} finished handshakes were waiting for the application of {server} at that moment',
    'nobody-waiting':
      'no finished handshake was seen waiting for the application of {server} then, as a full queue has: SYNs lost on the way, or a limit on new connections in a firewall (on the server, too), look the same',
    'stalled-before':
      '{count:count} requests to {server} had been taken and left unanswered before the first connect was dropped: its application stands still, and the queue is full because of that',
    'half-open':
      '{halfOpen:count} handshakes were half-open too: the queue of unfinished handshakes may be the full one',
    'reset-at-ack':
      'a bare RST (window 0, no options) {after:ms} after the ACK that completed the handshake',
    'nothing-acked': 'the server had sent no payload and acknowledged none',
    'others-alike': '{others:count} connections to {server} went the same way',
    'only-one': 'it is the only connection of the capture that went this way',
    served: '{served:count} other connections to {server} {served?was|were} served',
    'never-served': 'no connection to {server} was served in this capture',
    'syn-ack-repeated':
      "the server repeated its SYN-ACK {times:count} times after the client's ACK: it never took the ACK",
    'no-syn-ack-repeated':
      'the server did not repeat its SYN-ACK: it keeps no state of the handshake (SYN cookies)',
    'data-unacked':
      "the client's first data was sent {times:count} times before it was acknowledged",
    'late-reset':
      'a bare RST {after:ms} after the handshake: the server gave up after {synAcks:count} SYN-ACKs',
    'ack-arrived': "the client's ACK and data reached {server}",
    'ack-perhaps-lost':
      "the capture does not show whether the client's packets reached the server or were lost",
    'queue-full':
      'accept queue {depth:count} of {limit:count}: one above its limit, the next SYN is dropped',
    'listener-dropped': 'this listener refused {drops:count} SYNs or ACKs in {for:ms}',
    'overflows-rose': 'the kernel counted {by:count} overflows of accept queues meanwhile',
    'no-overflows':
      'no accept queue of this namespace overflowed meanwhile: its drops have another reason (SYN queue, memory)',
    'nobody-refused':
      'nobody tried to connect in the {for:ms} while it was full: it refused nobody',
    'nobody-waits':
      'nobody waits for connections at it now: of its processes ({count:count}) none is in accept() or watches it by epoll',
    stopped:
      '{who} (pid {pid}) is stopped (state T: SIGSTOP, a terminal or a debugger) and runs nothing; kill -CONT {pid} lets it go on',
    'backlog-configured': 'its backlog is set by {name} = {value} ({file})',
    'backlog-not-in-force':
      '{name} says {value}, the listener has {limit:count}: the file or somaxconn changed after it began to listen, or somaxconn is smaller',
    'backlog-default':
      'its backlog is perhaps the default of the program: {name} = {value} (a hint: no configuration says it)',
    'abort-on': 'who does not fit is reset',
    'abort-off': 'who does not fit is not told: a dropped SYN is sent again after 1 s',
    moment:
      'there was room in it at both looks, and {accepted:count} connections were accepted meanwhile: a burst, after which {drops?one client|{drops:count} clients} waited a second longer',
    'perhaps-resets':
      'as many handshakes were ended by a reset, as health checks end them, and those count as refused too',
    'dropped-before':
      'it has refused {drops:count} SYNs or ACKs since it listens, none in the last {for:ms}',
  },
  now: [
    {
      text: 'Keep the scene before any restart: queue lengths, counters, and a stack or thread dump of the process that does not accept.',
      command: "ss -ltnm 'sport = :{port}'; nstat -az TcpExtListenOverflows TcpExtListenDrops",
    },
    {
      text: 'Shed load or add instances. A restart resets every connection in the queue and hides the slow acceptor.',
    },
  ],
  experiment: {
    ...bursts,
    supports:
      'from some size of the burst on SYNs stay unanswered or are answered a second late, requests get no answer, or connections are reset; on the server itself ListenOverflows rises with it',
    refutes: 'all of the largest burst are served in time',
  },
  confirm: [
    {
      text: 'ListenOverflows rises and Recv-Q of the listener is Send-Q + 1 while it happens.',
      command: acceptQueue,
    },
    {
      text: 'A capture at both ends shows the packet arriving at the server and no answer leaving.',
      command: 'tcpwhy analyze --at client=client.pcap --at server=server.pcap',
    },
  ],
  fix: [
    {
      text: 'Find why accept() is not called in time: blocked event loop, all workers busy, GC pause, CPU quota, no free descriptors.',
      command: "top -H -p PID; ls /proc/PID/fd | wc -l; grep 'open files' /proc/PID/limits",
    },
    {
      text: "Then the queue: raise the system's limit and the listener's own backlog, and restart the listener.",
      setting: 'net.core.somaxconn',
      command: 'sudo sysctl net.core.somaxconn=4096',
      verify: acceptQueue,
    },
  ],
  variants: {
    'ack-dropped': {
      title:
        "{server}'s accept queue was full: {connections:count} finished handshakes {connections?was|were} ignored, the {connections?client's|clients'} data unacknowledged",
    },
    reset: {
      title:
        "{server}'s accept queue was full: {connections:count} connections reset right after the handshake",
      fix: [
        {
          text: 'Let overflow delay instead of reset: clients then repeat and get in when there is room.',
          setting: 'net.ipv4.tcp_abort_on_overflow',
          command: 'sudo sysctl net.ipv4.tcp_abort_on_overflow=0',
          verify: 'nstat -az TcpExtListenOverflows TcpExtTCPReqQFullDrop',
        },
        {
          text: "Find why accept() is not called in time, then raise somaxconn and the listener's own backlog.",
          setting: 'net.core.somaxconn',
          command: 'sudo sysctl net.core.somaxconn=4096',
          verify: acceptQueue,
        },
      ],
    },
    'cookie-ack-dropped': {
      title:
        "{server}'s accept queue was full while it used SYN cookies: data of {connections:count} connections ignored",
    },
  },
  machine: {
    title: "{who} does not accept fast enough: {server}'s accept queue is full ({limit:count})",
    now: [
      {
        text: 'Keep the scene before any restart: queues, counters, descriptors and stacks, in one file. A restart resets every connection in the queue and hides the slow acceptor.',
        command: 'sudo tcpwhy snapshot --pid {pid}',
      },
      {
        text: 'And its own stacks, which say what it does instead of accepting: Java jcmd {pid} Thread.print, Go /debug/pprof/goroutine?debug=2, Python py-spy dump --pid {pid}.',
      },
      { text: 'Shed load or add instances.' },
    ],
    confirm: [
      {
        text: 'Packets beside the kernel: unanswered SYNs to this port while it is full.',
        command: 'sudo tcpwhy diagnose --port {port} --for 30s',
      },
    ],
    fix: [
      {
        text: 'Find why accept() is not called in time: blocked event loop, all workers busy, GC pause, CPU quota, no free descriptors.',
        command: "top -H -p {pid}; grep 'open files' /proc/{pid}/limits",
      },
      {
        text: 'Then the queue: its limit is {limit}, net.core.somaxconn is {somaxconn}; the smaller of the two binds. Raise what binds, and let the program listen again.',
        setting: '{setting}',
        command: 'tcpwhy queue --backlog {wanted}',
        verify: "ss -ltn 'sport = :{port}'; nstat -az TcpExtListenOverflows",
      },
    ],
    variants: {
      'syn-dropped': {
        title:
          "{who} does not accept fast enough: {server}'s accept queue ({limit:count}) overflows, {connections:count} connects dropped",
      },
      reset: {
        title:
          "{who} does not accept fast enough: {server}'s accept queue ({limit:count}) overflows, {connections:count} connects reset",
      },
      past: {
        title:
          "{server}'s accept queue has overflowed before: {connections:count} connects refused since {who} listens, none now",
        now: [],
      },
    },
  },
} as const satisfies CauseMessages
