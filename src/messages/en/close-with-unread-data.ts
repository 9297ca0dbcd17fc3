import type { CauseMessages } from '../types.ts'
import { resetReasons, serves, uploads } from './commands.ts'
import { uploadSays } from './experiments.ts'

const confirm = [
  {
    text: "On {culprit} the kernel's reason for these resets is TCP_ABORT_ON_CLOSE (Linux 6.12 and later) with pid and command of the process that closed; TcpExtTCPAbortOnClose rises.",
    command: resetReasons,
  },
  {
    text: 'Older kernels: the counter alone, before and after.',
    command: 'nstat -az TcpExtTCPAbortOnClose TcpExtTCPAbortOnData',
  },
] as const

export const closeWithUnreadData = {
  title:
    '{ofServer?{server}|{culprit}} closed {connections:count} connections {ofServer?|with {server} }while received data was still unread',
  because: {
    ...uploadSays,
    surplus:
      '{octets:octets} of the client stand behind the end of its request (Content-Length), and no server reads them: unread at its close',
    'refused-perhaps-unread':
      'the answer {status} can be given without reading the request; so few octets unread do not show in the window',
    'perhaps-linger': 'SO_LINGER 0 after a request that was read looks the same',
    reset:
      'the {who} reset the connection of its own accord (RST,ACK from a live socket), without FIN before',
    'reset-after-own-fin':
      'the {who} reset the connection of its own accord (RST,ACK from a live socket) right behind its own FIN: shutdown() and close(), as Java does',
    unread:
      "{unread:octets} had reached the {who}'s kernel and, by its window, were not read: it had gone from {max:octets} to {last:octets}",
    'less-than-a-segment':
      'no receiver has to reopen its window for less than a segment (RFC 9293 §3.8.6.2.2): {unread:octets} may have been read',
    'zero-window': 'the {who} had announced window 0: its buffer was full',
    'body-incomplete':
      '{request}: {seen:octets} of {length:octets} of the response body were on the wire by then',
    'body-incomplete-chunked':
      '{request}: the chunked response was not complete, {seen:octets} of its body were on the wire',
    'still-sending':
      'octets of the server were under way or had just come: nothing acknowledged them before the reset',
    'one-instant':
      'the client ended {count:count} connections in one instant: its process may have died, which closes them all, unread data or not',
    'window-open':
      'the window was open ({window:octets}): the client may have read until then and cancelled on purpose',
    'answered-early':
      '{request} was answered with status {status} after {seen:octets} of the {length:octets} it was going to send',
    'answered-early-chunked':
      '{request} was answered with status {status} after {seen:octets} of its body, before the end',
    'upload-after-answer': 'the client went on sending after the server had answered',
    'no-payload': 'without payload an unanswered second request looks the same',
    'request-unanswered':
      "a request of {octets:octets} was acknowledged by the server's kernel and never answered",
    'never-served':
      'the server never sent an octet on this connection: it may have refused it right after accepting',
    'like-farewell':
      '{octets:octets} are the size of a TLS close_notify, which wants no answer; the payload was not read',
    together:
      'the server ended several connections in the same instant: the process may have been stopped',
    'kernel-said':
      'the kernel says TCP_ABORT_ON_CLOSE for {count:count} resets: the process closed while octets of the {here} were unread',
  },
  now: [
    {
      text: 'Find out whether anybody lost data. If users see cut uploads or answers, roll back the release that brought it. A restart changes nothing; a capture from before it is the evidence.',
    },
  ],
  experiment: {
    ...uploads,
    supports: 'answers to bodies that it does not read are lost to a RST (lost, reset)',
    refutes: 'each answer arrives whole, and the connection is kept or ends by FIN',
  },
  confirm,
  fix: [
    {
      text: 'Read to the end before closing, or do not ask for a body: HEAD, Range.',
      verify: 'nstat -az TcpExtTCPAbortOnClose',
    },
  ],
  variants: {
    'unread-response': {
      experiment: {
        ...serves,
        supports: 'to a client that reads to its end the same response comes whole, without a RST',
        refutes: 'it ends early or by RST here too: look at the server',
      },
      title:
        '{culprit} closed {connections:count} connections {named?|with {server} }without reading the response{named? ({request} of {server})|}',
      fix: [
        {
          text: 'Read the response to its end, or ask with HEAD when only headers are wanted. Java: setRequestMethod("HEAD"), or read getInputStream()/getErrorStream() to the end in try-with-resources (getLastModified() and disconnect() leave the body). Go: io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) before resp.Body.Close(). Node: res.resume(), undici body.dump(), await response.arrayBuffer(). Python: with requests.get(..., stream=True) as r, or requests.head.',
          verify: 'nstat -az TcpExtTCPAbortOnClose',
        },
      ],
    },
    'early-response-upload': {
      title:
        '{server} answered before it had read the upload and closed: {connections:count} clients may never see the answer',
      fix: [
        {
          text: 'After an early answer: shut down the sending side, read and discard with a limit in time and octets, then close. nginx does so with lingering_close on; Go: read r.Body to http.MaxBytesReader limits before returning.',
          setting: 'lingering_close',
          verify: 'nstat -az TcpExtTCPAbortOnClose',
        },
        {
          text: 'Clients that upload: Expect: 100-continue, and read the answer before giving up on a write error.',
        },
      ],
    },
    'unread-request': {
      title: '{server} closed {connections:count} connections with a request unread or unanswered',
      fix: [
        {
          text: 'Stop workers gracefully: stop accepting, finish what was received, then close (Go http.Server.Shutdown, gunicorn --graceful-timeout, Node server.close(), nginx -s quit). Give the orchestrator time: preStop and terminationGracePeriodSeconds.',
        },
        { text: 'A limit that closes under load must answer first (503 with Connection: close).' },
      ],
    },
  },
  machine: {
    title:
      '{who} (pid {pid}) closes connections with {server} with unread data: {connections:count} resets',
  },
} as const satisfies CauseMessages
