import { chain } from '../stage/host.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'
import { bystanders, twoEnds } from './neighbours.ts'

/** A SYN that is answered by an old connection's ACK costs a repetition, some 10 ms. */
const LATE_MS = 8

export const timeWaitNatTimestamps: Scenario = {
  id: 'time-wait-nat-timestamps',
  title: "Two hosts behind one NAT meet in the server's TIME-WAIT",
  kind: 'healthy',
  packages: [],
  signals: ['server TIME-WAIT', 'server TcpExtPAWSActive'],
  variants: [
    {
      id: 'older-timestamp',
      title: 'The second host uses the port of the first 2 s later, with an older timestamp',
      expects: { verdict: 'benign', cause: 'time-wait-collision' },
      fault:
        'The server closes first and keeps TIME-WAIT; half of the newcomers present an older timestamp (PAWS). Nobody fails: the SYN is repeated at once.',
      fix: null,
    },
  ],
  reproduce: play,
}

async function play(stage: Stage): Promise<Outcome> {
  const { client, server } = await twoEnds(stage)
  const [other = ''] = await stage.addAddresses('client', 1)
  const nat = stage.server.address.replace(/\d+$/, '1')
  const net = stage.client.address.replace(/\d+$/, '0/24')
  await stage.router.nft(
    chain('postrouting', [`ip saddr ${net} snat to ${nat}`], { type: 'nat', table: 'ip nat' }),
  )
  const short = ['time_wait', 'last_ack', 'close'].map((name) => [
    `net.netfilter.nf_conntrack_tcp_timeout_${name}`,
    1,
  ])
  await stage.router.sysctl(Object.fromEntries(short))
  await server.do({ op: 'serve', as: 'service', port: 80, paths: { '/': { close: true } } })
  await server.do({ op: 'serve', as: 'other', port: 8080 })
  const use = async (source: string, sport: number) => {
    const name = `${source} ${sport}`
    const { ms = 0 } = await client.do({
      op: 'connect',
      as: name,
      host: stage.server.address,
      port: 80,
      source,
      sport,
      timeout: 5,
    })
    await client.do({ op: 'ask', on: name })
    await client.do({ op: 'receive', on: name })
    await client.do({ op: 'close', on: name })
    return ms
  }
  const own = stage.client.address
  const pairs = Array.from({ length: 16 }, (_, n) =>
    n % 2 === 0 ? [own, other] : [other, own],
  ) as [string, string][]
  stage.step('sixteen ports, each used by one host and then by the other')
  for (const [n, [first]] of pairs.entries()) await use(first, 41_000 + n)
  await stage.sleep(2200)
  stage.look()
  const took: number[] = []
  for (const [n, [, second]] of pairs.entries()) {
    took.push(await use(second, 41_000 + n))
    if (n < 6) await bystanders(stage, client, { count: 1, gapMs: 20 })
  }
  const late = took.filter((ms) => ms > LATE_MS).length
  return {
    failing: false,
    symptom: `${late} of ${took.length} connections collided; all were answered`,
    measures: [
      { name: 'connections', value: took.length },
      { name: 'collided', value: late },
    ],
  }
}
