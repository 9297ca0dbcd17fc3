import { describe, expect, test } from 'vitest'
import { endpointsOf } from './endpoints.ts'

const none = { pair: [], host: null, port: null }

const rows: readonly [line: string, expected: ReturnType<typeof endpointsOf>][] = [
  [
    'read tcp 10.0.0.1:53212->10.0.0.2:80: read: connection reset by peer',
    { pair: ['10.0.0.1:53212', '10.0.0.2:80'], host: '10.0.0.2', port: 80 },
  ],
  [
    'write tcp 10.0.0.2:80->10.0.0.1:53212: write: broken pipe',
    { pair: ['10.0.0.2:80', '10.0.0.1:53212'], host: '10.0.0.2', port: 80 },
  ],
  [
    'read tcp [2001:db8::1]:53212->[2001:db8::2]:443: i/o timeout',
    { pair: ['[2001:db8::1]:53212', '[2001:db8::2]:443'], host: '2001:db8::2', port: 443 },
  ],
  ['dial tcp 10.0.0.2:443: i/o timeout', { pair: ['10.0.0.2:443'], host: '10.0.0.2', port: 443 }],
  ['dial tcp db.example:5432: x', { pair: [], host: 'db.example', port: 5432 }],
  ['connect ECONNREFUSED ::1:3000', { pair: [], host: '::1', port: 3000 }],
  [
    'connect ETIMEDOUT 10.0.0.2:443 - Local (10.0.0.1:53212)',
    { pair: ['10.0.0.2:443', '10.0.0.1:53212'], host: '10.0.0.2', port: 443 },
  ],
  [
    'upstream: "http://10.0.0.2:8080/x", client: 10.0.0.9',
    { pair: ['10.0.0.2:8080'], host: '10.0.0.2', port: 8080 },
  ],
  ["HTTPConnectionPool(host='api', port=8443)", { pair: [], host: 'api', port: 8443 }],
  [
    'curl: (7) Failed to connect to example.com port 443 after 1 ms',
    { pair: [], host: 'example.com', port: 443 },
  ],
  [
    'connection to server at "10.0.0.2", port 5432 failed: timeout',
    { pair: [], host: '10.0.0.2', port: 5432 },
  ],
  ["Can't connect to MySQL server on 'db:3306' (111)", { pair: [], host: 'db', port: 3306 }],
  ['Possible SYN flooding on port 0.0.0.0:8080. x', { pair: [], host: null, port: 8080 }],
  ['Possible SYN flooding on port 80. x', { pair: [], host: null, port: 80 }],
  // a client's ephemeral port is not the service
  ['10.0.0.9:53212 [21/Nov/2026] fe be/srv', { pair: ['10.0.0.9:53212'], host: null, port: null }],
  // near misses
  ['10.0.0.256:80', none],
  ['10.0.0.1:70000', none],
  ['10.0.0.1:0', none],
  ['at 03:15:59 it broke', none],
  ['version 1.2.3.4.5:80x', none],
  ['ECONNRESET', none],
  ['', none],
  // nothing that a shell would interpret may come out
  ["host='$(reboot)', port=80", { ...none, port: 80 }],
  ['http://`reboot`:80/', none],
  ["host='-rf', port=80", { ...none, port: 80 }],
]

describe('addresses in a pasted line', () => {
  test.each(rows)('%s', (line, expected) => {
    expect(endpointsOf(line)).toEqual(expected)
  })
})
