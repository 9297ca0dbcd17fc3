import type { Got } from '../stage/puppet.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'
import { bystanders, twoEnds, victims } from './neighbours.ts'

export const portClosed: Scenario = {
  id: 'port-closed',
  title: 'Nothing listens there',
  kind: 'neighbour',
  packages: [],
  signals: ['client TcpAttemptFails', 'server TcpOutRsts'],
  variants: [
    {
      id: 'nothing-listens',
      title: 'A service that was not started',
      expects: { verdict: 'problem', cause: 'port-closed' },
      fault: 'Port 81 of the server has no listener; port 8080 has one.',
      fix: 'The service is started.',
    },
  ],
  reproduce: (stage) => play(stage, false),
  fix: (stage) => play(stage, true),
}

async function play(stage: Stage, fixed: boolean): Promise<Outcome> {
  const { client, server } = await twoEnds(stage)
  await server.do({ op: 'serve', as: 'other', port: 8080 })
  if (fixed) await server.do({ op: 'serve', as: 'service', port: 81 })
  stage.step('five requests to port 81, healthy ones to port 8080')
  stage.curl('client', `http://${stage.server.address}:81/`)
  stage.look()
  const got: Got[] = []
  for (let n = 0; n < 5; n++) {
    got.push(await client.try({ op: 'once', host: stage.server.address, port: 81 }))
    await bystanders(stage, client, { count: 1 })
  }
  return victims(got, 'requests to port 81')
}
