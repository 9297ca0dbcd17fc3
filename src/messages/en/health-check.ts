import type { CauseMessages } from '../types.ts'
import { serves } from './commands.ts'

export const healthCheck = {
  title:
    '{client} {connections?connected to {server} and left without a word: perhaps a health check|connects to {server} and leaves without a word, {connections:count} times: health checks}, no harm',
  because: {
    'no-octets':
      '{times:count} times the client connected and ended it without any payload, {stayed:ms} after the SYN-ACK',
    'reset-by-clock':
      '{times:count} connections that {who} had opened were ended by it with a reset, nothing left unread',
    configured: '{file} has that server checked, every {interval:ms}',
    'answer-begun':
      '{times:count} times the client sent {named?{request}, {octets:octets}|a request of {octets:octets}}, on a connection of its own, and reset it {times?|at most }{stayed:ms} after the answer began',
    'as-checkers-ask':
      '{request} is what checkers ask: by its path, or because its head has no field at all, as HAProxy sends it',
    'reader-perhaps':
      'nothing in the request says that it is a check: a program that does not read its answers may ask by the clock as well',
    periodic: 'it does so every {interval:ms}',
    'no-interval': '{times?one occurrence has|{times:count} occurrences keep} no regular distance',
  },
  now: [{ text: 'Nothing to do.' }],
  experiment: {
    ...serves,
    supports: 'a real request is served: nothing is wrong behind the checks',
    refutes: 'it is refused or never served: the checker sees a real fault',
  },
  confirm: [
    {
      text: 'See whether {client} is a load balancer, the kubelet, a monitor or a scanner.',
      command: 'tcpwhy analyze --host {client} --all FILE',
    },
  ],
  fix: [
    {
      text: 'If such connections fill the log, have the checker send a real request, or leave them out of the log.',
    },
  ],
  variants: {
    http: {
      title:
        '{client} asks {endpoint} {named?for {request} |}{connections?and resets the connection once the answer begins: perhaps a health check|{connections:count} times, and resets each connection once the answer begins: health checks}, no harm',
      confirm: [
        {
          text: 'See whether {client} is a load balancer: HAProxy\'s "option httpchk" ends its checks so when it has read the status.',
          command: 'tcpwhy analyze --host {client} --all FILE',
        },
      ],
      fix: [
        {
          text: 'If the server logs ECONNRESET or EPIPE for them, let the check be answered without a body (HEAD, or status 204), or leave its path out of the log.',
        },
      ],
    },
  },
  machine: {
    title:
      '{client} connects to {endpoint} and ends it by reset, {connections:count} times: health checks, no harm',
    confirm: [
      {
        text: 'See whether {client} is to check that server: HAProxy\'s "server ... check" without "option httpchk" ends its connections so.',
        command: 'sudo tcpwhy diagnose --port {port} --for 30s',
      },
    ],
  },
} as const satisfies CauseMessages
