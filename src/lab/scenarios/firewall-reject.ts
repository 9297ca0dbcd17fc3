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
    {
      id: 'established',
      title: 'nft reject with tcp reset, loaded while connections are in use',
      expects: {
        verdict: 'problem',
        cause: 'firewall-reject',
        // To packets a rule that resets what is in use forges a reset, as a censor does.
        enough: ['injected-reset'],
      },
      fault:
        'Five connections to port 81 are in use when the router begins to reject that port with a TCP reset.',
      fix: 'The rule lets established connections pass.',
    },
  ],
  reproduce: (stage, variant) =>
    variant === 'established'
      ? playEstablished(stage, [RULES['tcp-reset']])
      : play(stage, chain('forward', [RULES[variant as keyof typeof RULES]])),
  fix: (stage, variant) =>
    variant === 'established'
      ? playEstablished(stage, ['ct state established accept', RULES['tcp-reset']])
      : play(stage, null),
}

async function playEstablished(stage: Stage, rules: readonly string[]): Promise<Outcome> {
  const { client, server } = await twoEnds(stage)
  for (const port of [81, 8080]) await server.do({ op: 'serve', as: `port ${port}`, port })
  // Tracking begins before the connections do, as on a router that has rules for established ones.
  await stage.router.nft(chain('prerouting', ['ct state new counter'], { table: 'inet tracked' }))
  stage.step('five connections to port 81 are used twice, healthy ones go to port 8080')
  stage.look('client')
  for (let n = 0; n < 5; n++) {
    await client.do({ op: 'connect', as: `c${n}`, host: stage.server.address, port: 81 })
    for (let k = 0; k < 2; k++) await client.do({ op: 'ask', on: `c${n}` })
    await bystanders(stage, client, { count: 1, gapMs: 100 })
  }
  stage.mark('the rule is loaded')
  await stage.router.nft(chain('forward', rules))
  const got: Got[] = []
  for (let n = 0; n < 5; n++) {
    got.push(await client.try({ op: 'ask', on: `c${n}`, path: '/next' }))
    await bystanders(stage, client, { count: 1, gapMs: 100 })
  }
  return victims(got, 'requests on connections in use')
}

async function play(stage: Stage, rule: string | null): Promise<Outcome> {
  const { client, server } = await twoEnds(stage, { router: true })
  for (const port of [81, 8080]) await server.do({ op: 'serve', as: `port ${port}`, port })
  if (rule !== null) await stage.router.nft(rule)
  stage.step(
    `five requests to port 81, healthy ones to port 8080${rule === null ? '' : `; the router: ${rule.split('\n')[1]}`}`,
  )
  stage.curl('client', `http://${stage.server.address}:81/`)
  stage.look('client')
  const got: Got[] = []
  for (let n = 0; n < 5; n++) {
    got.push(await client.try({ op: 'once', host: stage.server.address, port: 81 }))
    await bystanders(stage, client, { count: 1 })
  }
  return victims(got, 'requests to port 81')
}
