import type { Got } from '../stage/puppet.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'
import { bystanders, victims } from './neighbours.ts'

export const injectedReset: Scenario = {
  id: 'injected-reset',
  title: 'Something on the path sends resets in the name of an end',
  kind: 'neighbour',
  packages: [],
  signals: ['client TcpExtTCPAbortOnData', 'client TcpOutRsts'],
  variants: [
    {
      id: 'towards-client',
      title: 'A censor resets the client',
      expects: { verdict: 'problem', cause: 'injected-reset' },
      fault:
        'The router answers a request with the word "forbidden" by three forged RSTs to the client, and lets the request pass.',
      fix: 'The router forges nothing.',
    },
    {
      id: 'both-ends',
      title: 'A censor resets both ends',
      expects: { verdict: 'problem', cause: 'injected-reset' },
      fault: "As towards-client, and one RST in the client's name to the server.",
      fix: 'The router forges nothing.',
    },
  ],
  reproduce: (stage, variant) =>
    play(stage, { censor: 'forbidden', towardsServer: variant === 'both-ends' }),
  fix: (stage) => play(stage, {}),
}

async function play(stage: Stage, rules: Record<string, unknown>): Promise<Outcome> {
  await stage.lay('client', 'server')
  const [client, server] = await Promise.all([stage.puppet('client'), stage.puppet('server')])
  await stage.relay(8, rules)
  await server.do({ op: 'serve', as: 'news', port: 80 })
  await stage.tapWay({ snap: 200 })
  stage.step('five visits to a forbidden page, others beside them')
  stage.curl('client', `http://${stage.server.address}/forbidden`)
  stage.look('client')
  const got: Got[] = []
  for (let n = 0; n < 5; n++) {
    await client.do({ op: 'connect', as: `c${n}`, host: stage.server.address, port: 80 })
    await client.do({ op: 'ask', on: `c${n}`, path: '/news' })
    got.push(await client.try({ op: 'ask', on: `c${n}`, path: '/forbidden' }))
    await client.do({ op: 'close', on: `c${n}` })
    await bystanders(stage, client, { count: 1, port: 80 })
  }
  return victims(got, 'visits to the forbidden page')
}
