import { chain } from '../stage/host.ts'
import type { Got } from '../stage/puppet.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'
import { bystanders, twoEnds, victims } from './neighbours.ts'

const RULES = {
  'tcp-reset': 'tcp dport 81 reject with tcp reset',
  'icmp-prohibited': 'tcp dport 81 reject with icmp type admin-prohibited',
} as const

export const firewallReject: Scenario = {
  id: 'firewall-reject',
  title: "A filter on the way refuses in the server's name",
  kind: 'neighbour',
  packages: [],
  signals: ['client TcpAttemptFails', 'server TcpOutRsts'],
  variants: [
    {
      id: 'tcp-reset',
      title: 'nft reject with tcp reset',
      expects: { verdict: 'problem', cause: 'firewall-reject' },
      fault: 'The router rejects port 81 with a TCP reset; a service does listen there.',
      fix: 'The rule is taken out.',
    },
    {
      id: 'icmp-prohibited',
      title: 'nft reject with ICMP "administratively prohibited"',
      expects: { verdict: 'problem', cause: 'firewall-reject' },
      fault: 'The router rejects port 81 with ICMP type 3 code 13.',
      fix: 'The rule is taken out.',
    },
  ],
  reproduce: (stage, variant) =>
    play(stage, chain('forward', [RULES[variant as keyof typeof RULES]])),
  fix: (stage) => play(stage, null),
}

async function play(stage: Stage, rule: string | null): Promise<Outcome> {
  const { client, server } = await twoEnds(stage)
  for (const port of [81, 8080]) await server.do({ op: 'serve', as: `port ${port}`, port })
  if (rule !== null) await stage.router.nft(rule)
  stage.step(
    `five requests to port 81, healthy ones to port 8080${rule === null ? '' : `; the router: ${rule.split('\n')[1]}`}`,
  )
  stage.look('client')
  const got: Got[] = []
  for (let n = 0; n < 5; n++) {
    got.push(await client.try({ op: 'once', host: stage.server.address, port: 81 }))
    await bystanders(stage, client, { count: 1 })
  }
  return victims(got, 'requests to port 81')
}
