import type { CauseMessages } from '../types.ts'

export const deferredAccept = {
  title:
    '{server} waits for the first octet before it accepts (TCP_DEFER_ACCEPT): {connections:count} repeated SYN-ACKs, no harm',
  because: {
    'syn-ack-repeated':
      "the server repeated its SYN-ACK {times:count} times after the client's ACK while the client was silent",
    'data-taken':
      "the client's first data, {silent:ms} after the handshake, was acknowledged at once",
    'never-spoke':
      'the client never sent anything: a lost ACK or a full accept queue looks the same',
    'syns-dropped':
      '{dropped:count} SYNs to the same port went unanswered: its accept queue may be full',
  },
  now: [{ text: 'Nothing to do.' }],
  experiment: {
    command: 'sudo tcpwhy probe idle {target} --max 2m --precision 1s',
    supports:
      'a connection that says nothing is forgotten within seconds to minutes (reset), though one with a request is served',
    refutes: 'it lives on: it was accepted without an octet',
  },
  confirm: [
    {
      text: 'TCPDeferAcceptDrop rises and ListenOverflows does not.',
      command: 'nstat -az TcpExtTCPDeferAcceptDrop TcpExtListenOverflows',
    },
    {
      text: "Look for `listen ... deferred` (nginx), `defer-accept` (HAProxy), `AcceptFilter http data` (Apache) in the server's configuration.",
    },
  ],
  fix: [
    {
      text: 'Where clients connect early and speak late, switch it off: it saves little and costs repeated packets.',
      setting: 'TCP_DEFER_ACCEPT',
      verify: 'nstat -az TcpExtTCPDeferAcceptDrop',
    },
  ],
} as const satisfies CauseMessages
