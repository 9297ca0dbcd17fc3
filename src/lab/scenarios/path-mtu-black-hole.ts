import { chain } from '../stage/host.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'
import { bystanders, twoEnds, victims } from './neighbours.ts'

export const pathMtuBlackHole: Scenario = {
  id: 'path-mtu-black-hole',
  title: 'Only full-size segments are lost, and nobody says so',
  kind: 'neighbour',
  packages: [],
  signals: ['server TcpRetransSegs', 'server TcpExtTCPTimeouts'],
  variants: [
    {
      id: 'download',
      title: 'Large answers stick, short ones pass',
      expects: {
        verdict: 'problem',
        cause: 'path-mtu-black-hole',
        shallower: ['server-stalled', 'client-timeout', 'path-lost'],
      },
      fault:
        'The router drops packets longer than 1,400 octets without an ICMP message; both ends announced an MSS of 1,460.',
      fix: 'The router clamps the MSS to what fits (tcp option maxseg size set 1360).',
    },
  ],
  reproduce: (stage) => play(stage, false),
  fix: (stage) => play(stage, true),
}

async function play(stage: Stage, fixed: boolean): Promise<Outcome> {
  const { client, server } = await twoEnds(stage, { snap: 96, router: true })
  await server.do({ op: 'serve', as: 'service', port: 80, paths: { '/big': { body: 20_000 } } })
  const clamp = fixed ? ['tcp flags syn tcp option maxseg size set 1360'] : []
  await stage.router.nft(chain('forward', [...clamp, 'meta length > 1400 drop']))
  stage.step('five downloads of 20,000 octets; short answers beside them')
  // The clients give up after 8 s; before, the server's sockets show it.
  stage.curl('client', `http://${stage.server.address}/big`)
  stage.look('server', { forMs: 8500 })
  await bystanders(stage, client, { count: 3, port: 80, gapMs: 500 })
  const big = { op: 'once', host: stage.server.address, port: 80, path: '/big', timeout: 8 }
  const got = Promise.all(Array.from({ length: 5 }, () => client.try(big)))
  await bystanders(stage, client, { count: 6, port: 80, gapMs: 600 })
  const all = await got
  await stage.sleep(1000)
  return victims(all, 'downloads')
}
