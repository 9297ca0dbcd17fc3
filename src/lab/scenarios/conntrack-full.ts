import { readFileSync } from 'node:fs'
import { startNginx } from '../servers/nginx.ts'
import { chain } from '../stage/host.ts'
import type { Got, Puppet } from '../stage/puppet.ts'
import type { Stage } from '../stage/stage.ts'
import { cannot } from '../stage/wait.ts'
import type { Outcome, Scenario } from '../types.ts'
import { victims } from './neighbours.ts'

const MAX = 400
/** More of the machine's own than this and so short a table would hurt it. */
const OWN_MOST = 200
const COUNT = '/proc/sys/net/netfilter/nf_conntrack_count'
const NEW = 30

export const conntrackFull: Scenario = {
  id: 'conntrack-full',
  title: "A box's table of connections is full",
  kind: 'neighbour',
  packages: ['nginx-light'],
  signals: [
    'client ESTABLISHED',
    'client SYN-SENT',
    'client TcpExtTCPSynRetrans',
    'failed requests',
  ],
  variants: [
    {
      id: 'drop',
      title: 'New connections are dropped while the old ones go on',
      expects: {
        verdict: 'problem',
        cause: 'conntrack-table-full',
        isOffWire: true,
        // What captures at the ends show is that SYNs vanish between them.
        enough: ['connect-filtered'],
      },
      fault: `net.netfilter.nf_conntrack_max is ${MAX}, and ${MAX} kept connections go through the router.`,
      fix: 'A table that is large enough: here what the machine had before.',
      touches: 'net.netfilter.nf_conntrack_max',
    },
  ],
  reproduce: (stage) => play(stage, false),
  fix: (stage) => play(stage, true),
}

async function play(stage: Stage, fixed: boolean): Promise<Outcome> {
  await stage.lay('client', 'server')
  await startNginx(stage, stage.server, { keepaliveTimeoutS: 60 })
  await stage.router.nft(chain('forward', ['ct state new accept']))
  if (!fixed) shorten(stage)
  await stage.tapWay({ snap: 96 })
  const client = await stage.puppet('client')
  const to = { host: stage.server.address, port: 80 }
  stage.step(`${MAX} connections are opened, used once, and kept`)
  for (let n = 0; n < MAX; n++) {
    await client.do({ op: 'connect', as: `kept ${n}`, ...to, timeout: 10 })
    await client.do({ op: 'ask', on: `kept ${n}`, timeout: 10 })
  }
  stage.step(`${NEW} clients come; the kept connections go on`)
  stage.curl('client', `http://${stage.server.address}/`)
  stage.look('router')
  const got: Got[] = []
  const failed = () => got.filter(({ ok }) => !ok).length
  stage.gauge('failed requests', failed)
  stage.markWhen('no room for a new connection: SYNs vanish', () => failed() > 0)
  const come = Array.from({ length: NEW }, async (_, n) => {
    await stage.sleep(200 * n)
    got.push(await client.try({ op: 'once', ...to, timeout: 2.5 }))
  })
  const kept = goOn(stage, client)
  await Promise.all(come)
  const outcome = victims(got, 'new connections')
  return { ...outcome, measures: [...outcome.measures, await kept] }
}

/** The table is the machine's: not where its own connections need the room. */
function shorten(stage: Stage): void {
  const own = Number(readFileSync(COUNT, 'latin1'))
  if (!(own <= OWN_MOST)) {
    const todo = 'Run it on a machine that has less to do.'
    throw cannot(
      `This machine itself tracks ${own} connections; a table of ${MAX} would hurt it`,
      todo,
    )
  }
  stage.touchHost({ 'net.netfilter.nf_conntrack_max': MAX })
}

async function goOn(stage: Stage, client: Puppet): Promise<Outcome['measures'][number]> {
  let answered = 0
  for (let n = 0; n < 20; n++) {
    const got = await client.try({ op: 'ask', on: `kept ${n}`, timeout: 5 })
    if (got.ok) answered++
    await stage.sleep(200)
  }
  return { name: 'of 20 requests on kept connections answered', value: answered }
}
