import type { Got } from '../stage/puppet.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'
import { twoEnds, victims } from './neighbours.ts'

const PORTS = 30

export const ephemeralPortsExhausted: Scenario = {
  id: 'ephemeral-ports-exhausted',
  title: 'The client has no port left for this server',
  kind: 'neighbour',
  packages: [],
  signals: ['client TIME-WAIT', 'client ESTABLISHED'],
  variants: [
    {
      id: 'time-wait',
      title: 'A short port range full of TIME-WAIT',
      expects: {
        verdict: 'problem',
        cause: 'ephemeral-ports-exhausted',
        isOffWire: true,
      },
      fault: `net.ipv4.ip_local_port_range has ${PORTS} ports; the client closes first, so each stays in TIME-WAIT for 60 s.`,
      fix: 'One kept connection for all requests.',
    },
  ],
  reproduce: (stage) => play(stage, false),
  fix: (stage) => play(stage, true),
}

async function play(stage: Stage, fixed: boolean): Promise<Outcome> {
  const { client, server } = await twoEnds(stage, { snap: 96 })
  await server.do({ op: 'serve', as: 'service', port: 80 })
  await stage.client.sysctl({
    'net.ipv4.ip_local_port_range': `50000 ${50_000 + PORTS - 1}`,
    'net.ipv4.tcp_tw_reuse': 0,
  })
  stage.step(
    `${PORTS + 20} requests, ${fixed ? 'on one connection' : 'each on a new connection'}, from ${PORTS} ports`,
  )
  stage.curl('client', `http://${stage.server.address}/`)
  stage.look('client')
  const got: Got[] = []
  if (fixed) await client.do({ op: 'connect', as: 'kept', host: stage.server.address, port: 80 })
  for (let n = 0; n < PORTS + 20; n++) {
    got.push(
      await client.try(
        fixed ? { op: 'ask', on: 'kept' } : { op: 'once', host: stage.server.address, port: 80 },
      ),
    )
  }
  return victims(got, 'requests')
}
