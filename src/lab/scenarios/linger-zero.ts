import type { Got } from '../stage/puppet.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'
import { bystanders, twoEnds, victims } from './neighbours.ts'

export const lingerZero: Scenario = {
  id: 'linger-zero',
  title: 'SO_LINGER 0 turns close() into a reset',
  kind: 'neighbour',
  packages: [],
  signals: ['server TcpExtTCPAbortOnData', 'server TcpOutRsts'],
  variants: [
    {
      id: 'server-aborts',
      title: 'A server that aborts in the middle of its answer',
      expects: { verdict: 'problem', cause: 'linger-zero' },
      fault:
        'It sends 1,000 of 4,000 announced octets and closes with SO_LINGER {1, 0} 0.4 s later.',
      fix: 'It sends all of them and closes in the usual way.',
    },
  ],
  reproduce: (stage) => play(stage, false),
  fix: (stage) => play(stage, true),
}

async function play(stage: Stage, fixed: boolean): Promise<Outcome> {
  const { client, server } = await twoEnds(stage)
  const answer = fixed
    ? { body: 4000, close: true }
    : { body: 1000, claims: 4000, lingerZeroS: 0.4 }
  await server.do({ op: 'serve', as: 'service', port: 80, paths: { '/': answer } })
  await server.do({ op: 'serve', as: 'other', port: 8080 })
  stage.step('six requests for a report, healthy ones to port 8080')
  stage.curl('client', `http://${stage.server.address}/report`)
  stage.look()
  const got: Got[] = []
  for (let n = 0; n < 6; n++) {
    got.push(
      await client.try({ op: 'once', host: stage.server.address, port: 80, path: '/report' }),
    )
    await bystanders(stage, client, { count: 1 })
  }
  return victims(got, 'reports')
}
