import { chain } from '../stage/host.ts'
import { addressOf } from '../stage/network.ts'
import type { Got } from '../stage/puppet.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'
import { bystanders, twoEnds, victims } from './neighbours.ts'

export const conntrackInvalid: Scenario = {
  id: 'conntrack-invalid',
  title: 'A packet that connection tracking calls INVALID passes untranslated',
  kind: 'neighbour',
  packages: [],
  signals: ['client TcpOutRsts', 'server TcpExtTCPAbortOnData'],
  variants: [
    {
      id: 'un-dnat',
      title: "As in Kubernetes: a reply from the pod's own address",
      expects: {
        verdict: 'problem',
        cause: 'conntrack-invalid',
        shallower: ['reset-after-exchange', 'wrong-host'],
      },
      fault:
        'Clients use a service address that the router translates; a segment of the server lies above the window that tracking knows and passes untranslated.',
      fix: 'The router drops INVALID packets (ct state invalid drop), as kube-proxy does today.',
    },
  ],
  reproduce: (stage) => play(stage, false),
  fix: (stage) => play(stage, true),
}

async function play(stage: Stage, fixed: boolean): Promise<Outcome> {
  const { client, server } = await twoEnds(stage)
  const vip = addressOf(stage.slot, 99, 3)
  await stage.router.nft(
    chain('prerouting', [`ip daddr ${vip} tcp dport 80 dnat to ${stage.server.address}:8080`], {
      type: 'nat',
      table: 'ip nat',
    }),
  )
  await stage.router.nft(
    chain('forward', [fixed ? 'ct state invalid drop' : 'ct state invalid counter']),
  )
  await stage.router.sysctl({ 'net.netfilter.nf_conntrack_tcp_be_liberal': 0 })
  await server.do({ op: 'serve', as: 'pod', port: 8080 })
  stage.step('four connections meet a segment far above their window; others do not')
  stage.look('client')
  const got: Got[] = []
  for (let n = 0; n < 4; n++) {
    const { sport } = await client.do({ op: 'connect', as: `c${n}`, host: vip, port: 80 })
    await client.do({ op: 'ask', on: `c${n}` })
    await client.do({ op: 'once', host: vip, port: 80 })
    await server.do({ op: 'forgeAhead', port: 8080, sport, by: 3_000_000 })
    await stage.sleep(200)
    got.push(await client.try({ op: 'ask', on: `c${n}`, path: '/next' }))
    await client.do({ op: 'close', on: `c${n}` })
  }
  await bystanders(stage, client, { count: 2 })
  return victims(got, 'requests after it')
}
