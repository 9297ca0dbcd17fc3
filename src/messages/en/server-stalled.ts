import type { CauseMessages } from '../types.ts'
import { serves } from './commands.ts'
import { connectSays } from './experiments.ts'

export const serverStalled = {
  title: '{server} took {connections:count} requests and gave no answer (up to {waited:ms})',
  because: {
    ...connectSays,
    acknowledged:
      "the request ({octets:octets}) was acknowledged by the server's kernel: the network delivered it",
    'until-client-left': 'no octet of an answer came in {waited:ms}, then the client left',
    'until-server-closed': 'no octet of an answer came in {waited:ms}, then the server closed',
    'until-capture-end': 'no octet of an answer came in the {waited:ms} until the capture ends',
    'answered-before': '{count:count} earlier requests on this connection were answered',
    several: '{count:count} requests to this server had the same fate',
    'one-way':
      'the server never sent data on any connection: the protocol may be one that needs no answer',
    'long-unseen':
      'no segment of 500 octets or more of this server is in the capture: long answers may be lost on the way, as on a path with a smaller MTU',
    'an-answer':
      'the server spoke first after {idle:ms} and the client replied: perhaps an answer, not a request',
    'slow-answers':
      'the server took up to {slowest:ms} for another answer in this capture: this one may be slow, too',
    'left-together':
      'the client ended {count:count} connections in the same instant: it may have been stopped, whatever the server was doing',
    'may-answer': 'the capture ends while the client still waits: a slow answer may follow',
    'not-read':
      '{count:count} connections with {octets:octets} that the process has not read, for {waited:ms} now',
    'not-accepted':
      '{count:count} finished handshakes that the process has not accepted, the oldest for {waited:ms}',
    stopped:
      '{who} (pid {pid}) is stopped (state T: SIGSTOP, a terminal or a debugger) and runs nothing; kill -CONT {pid} lets it go on',
    'few-on-host': 'few connections: their handlers may be busy with something else on purpose',
  },
  now: [
    {
      text: 'Before a restart keep the scene: sockets with queues, stacks, descriptors of the server.',
      command: "ss -tanpoi '( sport = :{port} )'; ss -ltnp sport = :{port}",
    },
    {
      text: 'Stacks: Go /debug/pprof/goroutine?debug=2, Java jstack PID, Python py-spy dump --pid PID, Node kill -USR2 with --report-on-signal.',
    },
  ],
  experiment: {
    ...serves,
    supports:
      'the request is acknowledged and never served; is it one handler or all? A path that needs no pool or lock tells',
    refutes: 'it is served',
  },
  confirm: [
    {
      text: 'On the server: Recv-Q of the listener above 0 means nobody accepts (descriptors, blocked loop); of the connection above 0 means accepted but not read; 0 means the handler is busy or waits.',
      command: "ss -ltn 'sport = :{port}'; sudo ss -tanp 'sport = :{port}'",
    },
    {
      text: 'A capture at both ends tells a silent server from answers that are lost on the way.',
      command: 'tcpwhy analyze --at client=client.pcap --at server=server.pcap',
    },
  ],
  fix: [
    {
      text: 'Bound what a request may wait for: pool acquire timeout (HikariCP connectionTimeout, Go context deadline, node-postgres connectionTimeoutMillis), statement and lock timeouts in the database, timeouts for upstream calls.',
    },
    {
      text: 'Bound the number of requests at work, and refuse the rest with 503; raise the pool or the workers to what arrival rate times service time needs.',
    },
  ],
  machine: {
    title:
      '{who} (pid {pid}) does not read: requests of {connections:count} connections to {server} lie in the kernel',
    now: [
      {
        text: 'Before any restart keep what it would destroy, in one file: stacks and descriptors of the process, queues.',
        command: 'sudo tcpwhy snapshot --pid {pid}',
      },
    ],
    confirm: [
      {
        text: 'Recv-Q stays above 0 while the process sleeps or spins.',
        command: "ss -tnp 'sport = :{port}'; top -H -b -n 1 -p {pid}",
      },
    ],
    variants: {
      'not-accepting': {
        title:
          '{who} (pid {pid}) does not accept: {connections:count} connections to {server} wait in its queue',
      },
    },
  },
} as const satisfies CauseMessages
