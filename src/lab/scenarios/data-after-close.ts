import type { Got } from '../stage/puppet.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'
import { bystanders, twoEnds, victims } from './neighbours.ts'

export const dataAfterClose: Scenario = {
  id: 'data-after-close',
  title: 'A client goes on after the server has closed',
  kind: 'neighbour',
  packages: [],
  signals: ['server TcpOutRsts', 'server FIN-WAIT-2', 'client CLOSE-WAIT'],
  variants: [
    {
      id: 'ignored-connection-close',
      title: 'Connection: close and the FIN are ignored',
      expects: { verdict: 'problem', cause: 'data-after-close' },
      fault:
        'The server says Connection: close and closes; the client sends its next request on the same connection.',
      fix: 'The client closes too, and opens a new connection for the next request.',
    },
  ],
  reproduce: (stage) => play(stage, false),
  fix: (stage) => play(stage, true),
}

async function play(stage: Stage, fixed: boolean): Promise<Outcome> {
  const { client, server } = await twoEnds(stage)
  await server.do({ op: 'serve', as: 'service', port: 80, paths: { '/': { close: true } } })
  const open = (name: string) =>
    client.do({ op: 'connect', as: name, host: stage.server.address, port: 80 })
  stage.step('five clients use a connection twice, healthy ones once')
  stage.look()
  const got: Got[] = []
  for (let n = 0; n < 5; n++) {
    const name = `c${n}`
    await open(name)
    await client.do({ op: 'ask', on: name })
    await bystanders(stage, client, { count: 1, port: 80, gapMs: 0 })
    await stage.sleep(300 * n + 200)
    if (fixed) {
      await client.do({ op: 'close', on: name })
      await open(name)
    }
    got.push(await client.try({ op: 'ask', on: name, path: '/2' }))
    if (!fixed) await client.try({ op: 'send', on: name, zeros: 20 })
    await client.do({ op: 'close', on: name })
  }
  return victims(got, 'second requests')
}
