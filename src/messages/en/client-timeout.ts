import type { CauseMessages } from '../types.ts'
import { asks } from './commands.ts'
import { loadSays } from './experiments.ts'

export const clientTimeout = {
  title: 'clients of {server} gave up after {timeout:ms} without an answer',
  because: {
    ...loadSays,
    request: "the request was acknowledged by the server's kernel",
    'gave-up': 'the client closed {waited:ms} after its request, no octet of an answer having come',
    'left-in-answer':
      'the client closed {waited:ms} after its request, {got:octets} into an answer that was still coming',
    'stopped-in-answer':
      'of a body of {told:octets} (Content-Length) {got:octets} came, then nothing for {silence:ms}; the client closed',
    'stopped-in-chunks':
      'of a body in chunks {got:octets} came, the last chunk not, then nothing for {silence:ms}; the client closed',
    'path-well':
      "the server's kernel acknowledged that close: the path was well, the server had nothing to send",
    constant:
      '{count:count} of {of:count} such clients gave up after {timeout:ms}, at most {spread:ms} apart: a timeout',
    round: '{s} s is a round time, as people configure them',
    'too-late': 'the answer came {later:ms} after the client had gone',
    'long-unseen':
      'no segment of 500 octets or more of this server is in the capture: long answers may be lost on the way, as on a path with a smaller MTU',
    'answer-unseen':
      'the sequence numbers of the server go on by {octets:octets} that are not in the capture: it had answered, and the answer was lost on the way',
    'one-instant':
      'all {count:count} left in one instant: a client that was stopped then would look the same, the requests being equally old',
    single: 'one connection cannot show that the time is constant',
  },
  now: [
    {
      text: 'The server is slow or stuck; raising the timeout hides that. Before a restart keep its stacks and sockets.',
      command: "ss -tanpoi '( sport = :{port} )'",
    },
  ],
  experiment: {
    ...asks,
    supports:
      'requests are not answered within that time (receive-timeout), or take nearly as long',
    refutes: 'all are answered well within it: slow were those requests, or that moment',
  },
  confirm: [
    {
      text: "Compare {timeout:ms} with the client's configuration: Go http.Client.Timeout, Java readTimeout, requests timeout=, nginx proxy_read_timeout (60 s), HAProxy timeout server, AWS ALB idle timeout (60 s).",
    },
    {
      text: 'On the server: is the connection accepted, who holds it, how long is the accept queue?',
      command: "ss -tanp 'sport = :{port}'; ss -ltn 'sport = :{port}'",
    },
    {
      text: 'A capture at both ends tells a silent server from answers that are lost on the way.',
      command: 'tcpwhy analyze --at client=client.pcap --at server=server.pcap',
    },
  ],
  fix: [
    {
      text: 'Find what the requests wait for: a pool (acquire time), a lock or open transaction in the database, a slow upstream, the accept queue.',
      command: "ss -ltn 'sport = :{port}'",
    },
    {
      text: 'Cancel the work when the client leaves (Go r.Context(), Java async onTimeout, nginx proxy_ignore_client_abort off), so that requests nobody waits for do not fill the server.',
    },
    {
      text: 'Set timeouts that decrease inwards: the server gives up before its client does, and answers 503 or 504.',
    },
  ],
  variants: {
    'response-stopped': {
      title:
        '{server} stopped in the middle of {connections:count} responses, and the clients gave up, here after {timeout:ms} of silence',
      fix: [
        {
          text: 'Find what the handler waits for between two parts of its answer: a slow query or upstream, a lock, a full pool; of a proxy, see its own log for the backend.',
        },
        {
          text: 'Content-Length larger than the body leaves clients waiting in the same way: compare the announced length with what the application writes (encodings, filters that shorten it).',
        },
      ],
    },
    'response-too-slow': {
      title: 'clients of {server} gave up after {timeout:ms} in the middle of the answer',
      fix: [
        {
          text: 'The limit is on the whole exchange: Go http.Client.Timeout, curl --max-time, axios timeout, HttpClient request timeout. Long downloads and streams need one on progress instead (read timeout, idle timeout), or none.',
        },
        {
          text: 'If the answers should have been done by then, see what made them slow: loss on the path, a slow producer, a full window.',
          command: 'tcpwhy explain packet-loss',
        },
      ],
    },
  },
} as const satisfies CauseMessages
