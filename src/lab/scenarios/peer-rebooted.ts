import type { Got } from '../stage/puppet.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'
import { bystanders, twoEnds, victims } from './neighbours.ts'

export const peerRebooted: Scenario = {
  id: 'peer-rebooted',
  title: 'The server forgot its connections without a packet',
  kind: 'neighbour',
  packages: [],
  signals: ['server ESTABLISHED', 'client ESTABLISHED', 'server TcpOutRsts'],
  variants: [
    {
      id: 'listening-again',
      title: 'Crashed and back',
      expects: { verdict: 'problem', cause: 'peer-restarted' },
      fault:
        'Six idle connections vanish at the server (TCP_REPAIR close: no packet, as when a machine crashes); the service is up again at their next use.',
      fix: 'Clients notice by TCP keepalive (1 s here) and open new connections.',
    },
  ],
  reproduce: (stage) => play(stage, false),
  fix: (stage) => play(stage, true),
}

async function play(stage: Stage, fixed: boolean): Promise<Outcome> {
  const { client, server } = await twoEnds(stage)
  await server.do({ op: 'serve', as: 'service', port: 80 })
  const options = fixed ? { keepalive: 1, keepidle: 1, keepintvl: 1, keepcnt: 2 } : {}
  const open = (name: string) =>
    client.do({ op: 'connect', as: name, host: stage.server.address, port: 80, options })
  for (let n = 0; n < 6; n++) {
    await open(`c${n}`)
    await client.do({ op: 'ask', on: `c${n}` })
    await stage.sleep(150)
  }
  // They have lived through longer silences than the one before the crash.
  await stage.sleep(1600)
  for (let n = 0; n < 6; n++) await client.do({ op: 'ask', on: `c${n}` })
  stage.mark('the server loses its memory')
  stage.look()
  await server.do({ op: 'vanishAll', port: 80 })
  await stage.sleep(fixed ? 2500 : 400)
  await bystanders(stage, client, { count: 2, port: 80, gapMs: 50 })
  const got: Got[] = []
  for (let n = 0; n < 6; n++) {
    if (fixed && !(await isAlive(client, `c${n}`))) {
      await client.do({ op: 'close', on: `c${n}` })
      await open(`c${n}`)
    }
    got.push(await client.try({ op: 'ask', on: `c${n}`, path: '/again' }))
    await stage.sleep(50)
  }
  await bystanders(stage, client, { count: 3, port: 80, gapMs: 100 })
  return victims(got, 'requests after the crash')
}

/** A pool's test before use: whoever was reset or closed has something to read. */
async function isAlive(
  client: Awaited<ReturnType<typeof twoEnds>>['client'],
  name: string,
): Promise<boolean> {
  const got = await client.try({ op: 'receive', on: name, timeout: 0.02 })
  return !got.ok && got.error === 'ETIMEDOUT'
}
