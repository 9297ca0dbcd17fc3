import type { CauseMessages } from '../types.ts'
import { connectSays } from './experiments.ts'

export const tlsFailure = {
  title: 'TLS with {server} failed on {connections:count} connections: the {from} says {name}',
  because: {
    ...connectSays,
    alert: 'the {from} sent the fatal alert {name} ({description})',
    unfinished: 'the handshake was not finished',
    finished: 'the handshake had been finished before the alert',
    'plain-text': 'the {from} speaks plain text where the other side speaks TLS',
    'broken-off':
      'after the ClientHello (server name: {name}) the {by} ended the connection before the handshake was finished',
    alike: '{alike:count} handshakes on this port were broken off by the same side',
    'no-alert':
      'no alert gives the reason: a filter on the server name or a crash ends a handshake like this too',
  },
  now: [
    {
      text: 'See what the server offers, from where the client stands.',
      command: 'openssl s_client -connect {server} -showcerts </dev/null',
    },
  ],
  experiment: {
    command: 'tcpwhy probe connect https://{target}/',
    supports:
      'the handshake fails here too (tls-failed, with its alert), or the certificate is one that clients refuse',
    refutes: 'it is done, and the certificate accepted: look at that client',
  },
  confirm: [
    {
      text: 'Log of the {to}: it names the alert it received; and that of the {from}: why it sent it.',
    },
    {
      text: 'Protocol versions and ciphers that the server accepts.',
      command:
        'openssl s_client -connect {server} -tls1_2 </dev/null; openssl s_client -connect {server} -tls1_3 </dev/null',
    },
  ],
  fix: [
    {
      text: 'Bring versions, ciphers, server name and certificates of the two sides together: {name} names what the {from} does not accept.',
      verify: 'openssl s_client -connect {server} </dev/null',
    },
  ],
  variants: {
    certificate: {
      title:
        "{connections:count} TLS handshakes with {server} failed: the {from} rejects the {to}'s certificate ({name})",
      fix: [
        {
          text: "Renew the {to}'s certificate, send the intermediate certificates with it, or give the {from} the authority that signed it.",
          verify: 'openssl s_client -connect {server} -showcerts </dev/null',
        },
      ],
    },
    'plain-text': {
      title:
        '{connections:count} connections with {server} failed: the {from} speaks plain text to a TLS peer',
      fix: [
        {
          text: 'Use the right port or scheme (https://, or the port without TLS), or switch TLS on at the {from}.',
          verify: 'openssl s_client -connect {server} </dev/null',
        },
      ],
    },
    'broken-off': {
      title:
        '{connections:count} TLS handshakes with {server} {connections?was|were} broken off by the {from} without a reason',
    },
  },
} as const satisfies CauseMessages
