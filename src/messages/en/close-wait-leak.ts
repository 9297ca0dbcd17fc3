import type { CauseMessages } from '../types.ts'
import { ages } from './commands.ts'

export const closeWaitLeak = {
  title:
    '{connections:count} connections to {server} stuck in CLOSE-WAIT on {holder}: its application does not close {connections?it|them}',
  because: {
    'closed-after': 'the {who} closed (FIN) {age:ms} after the handshake',
    closed: 'the {who} closed (FIN); the start of the connection is not in the capture',
    acknowledged: "the {who}'s kernel acknowledged the FIN after {after:ms}",
    'never-closed': 'the {who} sent neither FIN nor RST for the {for:ms} until the capture ends',
    several: '{count:count} connections of this application with this server are held like that',
    'delayed-ack':
      'the acknowledgement is a bare one sent by the delayed-ACK timer: the application of the {who} neither wrote nor closed when it was told',
    'was-idle': 'nothing had been sent for {idle:ms} before the FIN: a connection nobody looks at',
    'short-watch': 'the capture goes on for only {for:ms} after the acknowledgement',
    excerpt:
      '{client:octets} of the client and {server:octets} of the server were exchanged but are not in the capture (an excerpt, not loss)',
    'others-closed-late':
      'the {who} still wrote on, or closed, another connection {after:ms} after the FIN: it may close these later',
    'still-asking':
      'the client closed its direction {after:ms} after its request, as one does to say that this was all (shutdown, nc -N): it still waits for the answer',
    'late-capture':
      'the FIN is the first that the capture has of this connection: the {who} may have closed before the capture began',
    'packets-missing':
      'the last octets of the {who} were neither acknowledged nor sent again for {for:ms}: packets of this connection are missing from the capture, its FIN perhaps too',
    'answer-due':
      'the last request had not been answered: the handler may still be working, and close afterwards',
    'held-for':
      '{count:count} sockets whose peer has closed, the oldest with nothing received for {age:ms}',
    'held-throughout':
      '{count:count} sockets in CLOSE-WAIT for all of the {for:ms} that were watched',
    'unread-octets':
      '{count:count} of them with unread octets ({octets:octets} at most): the peer wrote before it closed',
    'fin-unread':
      '{count:count} of them with the FIN unread: the process never looked at them again',
    'fin-read': '{count:count} of them with the end read: the process knows, and did not close',
    'still-writing': 'octets are still on their way from here: it may be a half-close on purpose',
  },
  now: [
    {
      text: 'Before any restart, on {holder}, keep what it would destroy: which process holds the sockets, and since when.',
      command: "ss -tanpoi state close-wait '( dport = :{port} or sport = :{port} )'",
    },
    {
      text: 'Keep the stacks of that process too: Go /debug/pprof/goroutine?debug=2, Java jstack PID, Python py-spy dump --pid PID.',
    },
  ],
  experiment: {
    ...ages,
    supports:
      'the server closes idle connections (FIN): whoever keeps them in a pool and does not look again holds them so',
    refutes: 'it closes none: the peer of those that are held had another reason to close',
  },
  confirm: [
    {
      text: 'On {holder} ss tells process and descriptor of every CLOSE-WAIT socket. Recv-Q 1: the application never looked at the connection again; 0: it read the end and did not close.',
      command: "sudo ss -tanpo state close-wait '( sport = :{port} or dport = :{port} )'",
    },
    {
      text: 'CLOSE-WAIT that vanishes is not healed: the kernel drops the socket when keepalive fails, the descriptor stays. Count socket descriptors.',
      command: "ls -l /proc/PID/fd | grep -c 'socket:'",
    },
  ],
  fix: [
    {
      text: 'Close in the scope that opens: Go defer resp.Body.Close() / defer rows.Close() / defer tx.Rollback(); Java try-with-resources; Python with; Node response.body.cancel() or agent.destroy().',
      verify: "ss -tan state close-wait '( dport = :{port} or sport = :{port} )' | wc -l",
    },
    {
      text: 'Let pools test and evict idle connections, and retire them before the other side does: Go db.SetConnMaxIdleTime, HikariCP maxLifetime and keepaliveTime, Apache HttpClient evictIdleConnections.',
    },
    {
      text: 'Bound the wait for a pooled connection (context deadline, connectionTimeout): the pool runs out long before the descriptors do.',
    },
  ],
  machine: {
    title:
      '{who} holds {connections:count} connections with {peer} in CLOSE-WAIT: it does not close them',
    now: [
      {
        text: 'Before any restart keep what it would destroy, in one file: sockets, descriptors, stacks.',
        command: 'sudo tcpwhy snapshot --pid {pid}',
      },
      {
        text: 'And its own stacks: Go /debug/pprof/goroutine?debug=2, Java jcmd {pid} Thread.print, Python py-spy dump --pid {pid}.',
      },
    ],
    confirm: [
      {
        text: 'They stay, and get older: look again in a minute. CLOSE-WAIT that vanishes is not healed: the kernel drops the socket when keepalive fails, the descriptor stays.',
        command: "sudo ss -tanpoi state close-wait '( dport = :{port} or sport = :{port} )'",
      },
    ],
    // What to change in the code is the same however it was seen.
  },
} as const satisfies CauseMessages
