import { chain } from '../stage/host.ts'
import type { Got } from '../stage/puppet.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'
import { bystanders, twoEnds, victims } from './neighbours.ts'

export const keepaliveTimeout: Scenario = {
  id: 'keepalive-timeout',
  title: 'TCP keepalive finds that the path is gone',
  kind: 'neighbour',
  packages: [],
  signals: ['client ESTABLISHED', 'client TcpExtTCPKeepAlive', 'client TcpExtTCPAbortOnTimeout'],
  variants: [
    {
      id: 'path-gone',
      title: 'Probes that nobody answers',
      expects: {
        verdict: 'problem',
        cause: 'keepalive-timeout',
        shallower: ['path-lost'],
      },
      fault:
        'Five idle connections with keepalive (1 s, 1 s, 3 probes) to an address whose path is lost after 3 s.',
      fix: 'The path is left as it is.',
    },
  ],
  reproduce: (stage) => play(stage, false),
  fix: (stage) => play(stage, true),
}

async function play(stage: Stage, fixed: boolean): Promise<Outcome> {
  const { client, server } = await twoEnds(stage, { router: true })
  const [bad = ''] = await stage.addAddresses('server', 1)
  for (const port of [80, 8080]) await server.do({ op: 'serve', as: `port ${port}`, port })
  const options = { keepalive: 1, keepidle: 1, keepintvl: 1, keepcnt: 3 }
  for (let n = 0; n < 5; n++) {
    await client.do({ op: 'connect', as: `c${n}`, host: bad, port: 80, options })
    await client.do({ op: 'ask', on: `c${n}` })
    await bystanders(stage, client, { count: 1, gapMs: 100 })
  }
  await stage.sleep(2200)
  if (!fixed) {
    stage.mark('the path is lost')
    stage.look('client')
    await stage.router.nft(chain('forward', [`ip daddr ${bad} drop`, `ip saddr ${bad} drop`]))
  }
  const waiting = Array.from({ length: 5 }, (_, n) =>
    client.try({ op: 'receive', on: `c${n}`, timeout: 9 }),
  )
  await bystanders(stage, client, { count: 10, gapMs: 500 })
  await Promise.all(waiting)
  const got: Got[] = []
  for (let n = 0; n < 5; n++) got.push(await client.try({ op: 'ask', on: `c${n}`, timeout: 2 }))
  return victims(got, 'requests on the idle connections')
}
