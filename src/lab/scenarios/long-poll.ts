import type { Got } from '../stage/puppet.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'
import { bystanders, twoEnds, victims } from './neighbours.ts'

export const longPoll: Scenario = {
  id: 'long-poll',
  title: 'Answers that are meant to take long',
  kind: 'healthy',
  packages: [],
  signals: ['server ESTABLISHED'],
  variants: [
    {
      id: 'events',
      title: 'Clients that wait 7 s for news, and get it',
      expects: { verdict: 'healthy', cause: null },
      fault: 'None.',
      fix: null,
    },
  ],
  reproduce: play,
}

async function play(stage: Stage): Promise<Outcome> {
  const { client, server } = await twoEnds(stage)
  await server.do({ op: 'serve', as: 'news', port: 80, paths: { '/poll': { waitS: 7 } } })
  stage.step('six clients wait for news; others ask for a page')
  stage.look()
  const poll = async (n: number): Promise<Got> => {
    await client.do({ op: 'connect', as: `c${n}`, host: stage.server.address, port: 80 })
    const got = await client.try({ op: 'ask', on: `c${n}`, path: '/poll', timeout: 30 })
    const again = await client.try({ op: 'ask', on: `c${n}`, timeout: 30 })
    await client.do({ op: 'close', on: `c${n}` })
    return got.ok ? again : got
  }
  const waiting = Promise.all(Array.from({ length: 6 }, (_, n) => poll(n)))
  await bystanders(stage, client, { count: 8, port: 80, gapMs: 500 })
  return victims(await waiting, 'polls')
}
