import { chain } from '../stage/host.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'
import { bystanders, twoEnds, victims } from './neighbours.ts'

export const firewallDrop: Scenario = {
  id: 'firewall-drop',
  title: 'A filter on the way drops SYNs in silence',
  kind: 'neighbour',
  packages: [],
  signals: ['client SYN-SENT', 'client TcpExtTCPSynRetrans'],
  variants: [
    {
      id: 'silent',
      title: 'nft drop',
      expects: { verdict: 'problem', cause: 'connect-filtered' },
      fault: 'The router drops every packet to port 81; a service does listen there.',
      fix: 'The rule is taken out.',
    },
  ],
  reproduce: (stage) => play(stage, false),
  fix: (stage) => play(stage, true),
}

async function play(stage: Stage, fixed: boolean): Promise<Outcome> {
  const { client, server } = await twoEnds(stage, { router: true })
  for (const port of [81, 8080]) await server.do({ op: 'serve', as: `port ${port}`, port })
  if (!fixed) await stage.router.nft(chain('forward', ['tcp dport 81 drop']))
  stage.step('five clients of port 81 wait up to 3.5 s; healthy requests to port 8080')
  stage.curl('client', `http://${stage.server.address}:81/`)
  stage.look('client', { forMs: 3200 })
  const ask = { op: 'once', host: stage.server.address, port: 81, timeout: 3.5 }
  const got = Promise.all(Array.from({ length: 5 }, () => client.try(ask)))
  await bystanders(stage, client, { count: 5, gapMs: 400 })
  return victims(await got, 'requests to port 81')
}
