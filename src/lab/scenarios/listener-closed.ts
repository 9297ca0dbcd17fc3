import type { Got } from '../stage/puppet.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'
import { bystanders, twoEnds, victims } from './neighbours.ts'

export const listenerClosed: Scenario = {
  id: 'listener-closed',
  title: 'A listener is closed with connections in its queue',
  kind: 'neighbour',
  packages: [],
  signals: ['server accept queue', 'server TcpOutRsts'],
  variants: [
    {
      id: 'queue-not-empty',
      title: 'A deploy while eight connections wait to be accepted',
      expects: { verdict: 'problem', cause: 'listener-closed' },
      fault: 'A server accepts nothing for a while and then closes its listener.',
      fix: 'It accepts what is in the queue before it closes the listener.',
    },
  ],
  reproduce: (stage) => play(stage, false),
  fix: (stage) => play(stage, true),
}

async function play(stage: Stage, fixed: boolean): Promise<Outcome> {
  const { client, server } = await twoEnds(stage)
  await server.do({ op: 'serve', as: 'other', port: 8080 })
  await server.do(
    fixed
      ? { op: 'serve', as: 'deployed', port: 80 }
      : { op: 'listen', as: 'deployed', port: 80, backlog: 64 },
  )
  stage.step('eight clients connect and ask; nobody accepts them; then the listener is closed')
  stage.look()
  const waiting: Promise<Got>[] = []
  for (let n = 0; n < 8; n++) {
    await client.do({ op: 'connect', as: `c${n}`, host: stage.server.address, port: 80 })
    waiting.push(client.try({ op: 'ask', on: `c${n}`, timeout: 10 }))
    if (n < 4) await bystanders(stage, client, { count: 1, gapMs: 100 })
    await stage.sleep(130)
  }
  stage.mark('the listener is closed')
  await server.do({ op: 'closeListener', on: 'deployed', shutdown: fixed })
  const got = await Promise.all(waiting)
  const late = { op: 'once', host: stage.server.address, port: 80 }
  for (let n = 0; n < 3; n++) await client.try(late)
  await bystanders(stage, client, { count: 1 })
  return victims(got, 'connections that waited')
}
