import { expect, test } from 'vitest'
import { application, connection, evidence } from '../../test/helpers/facts.ts'
import { namedServerDefault } from './closing.ts'

const defaultOf = (said: Parameters<typeof application>[0], sawStart = true) => {
  const connections = [connection({ sawStart })]
  const told = evidence({ connections, application: [[0, application(said)]] })
  return namedServerDefault(60_000, connections, told)?.who ?? null
}

test.each([
  ['HTTP', { protocol: 'http' }, true, true],
  ['TLS, which may hold HTTP', { protocol: 'tls' }, true, true],
  ['no payload in the capture', { protocol: 'unknown', payloadCaptured: false }, true, true],
  ['joined in the middle', { protocol: 'unknown', payloadCaptured: true }, false, true],
  [
    'read from the start, and nothing that is known (SMB)',
    { protocol: 'unknown', payloadCaptured: true },
    true,
    false,
  ],
] as const)(
  'limits of HTTP servers are named where HTTP may be spoken: %s',
  (_, said, sawStart, named) => {
    expect(defaultOf(said, sawStart) !== null).toBe(named)
  },
)
