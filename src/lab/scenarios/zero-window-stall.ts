import type { Got } from '../stage/puppet.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'
import { bystanders, twoEnds, victims } from './neighbours.ts'

export const zeroWindowStall: Scenario = {
  id: 'zero-window-stall',
  title: 'The reader does not read',
  kind: 'neighbour',
  packages: [],
  signals: ['client ESTABLISHED', 'server TcpExtTCPWinProbe'],
  variants: [
    {
      id: 'client-stops-reading',
      title: 'Clients that stop reading in the middle of a large answer',
      expects: { verdict: 'problem', cause: 'zero-window-stall' },
      fault:
        'Five clients with small receive buffers ask for 120,000 octets and stop after the first 4,000.',
      fix: 'They read on.',
    },
  ],
  reproduce: (stage) => play(stage, false),
  fix: (stage) => play(stage, true),
}

const PATIENCE_MS = 6000

async function play(stage: Stage, fixed: boolean): Promise<Outcome> {
  const { client, server } = await twoEnds(stage, { snap: 96 })
  await server.do({ op: 'serve', as: 'export', port: 80, paths: { '/': { body: 120_000 } } })
  await server.do({ op: 'serve', as: 'other', port: 8080 })
  const get = { op: 'send', text: 'GET /export HTTP/1.1\r\nHost: shop.test\r\n\r\n' }
  const victim = async (n: number): Promise<Got> => {
    const on = `c${n}`
    await client.do({
      op: 'connect',
      as: on,
      host: stage.server.address,
      port: 80,
      timeout: 10,
      options: { rcvbuf: 8192 },
    })
    await client.do({ ...get, on })
    await client.do({ op: 'head', on })
    await client.do({ op: 'receive', on, octets: 4000 })
    if (fixed) return client.try({ op: 'receive', on, octets: 116_000, timeout: 10 })
    await stage.sleep(PATIENCE_MS)
    return { ok: false, error: 'stopped reading' }
  }
  stage.step('five exports')
  const waiting = Promise.all(Array.from({ length: 5 }, (_, n) => victim(n)))
  const looked = stage.sleep(1500).then(() => stage.look('server', { forMs: 3500 }))
  await bystanders(stage, client, { count: 5, gapMs: 800 })
  await looked
  return victims(await waiting, 'exports')
}
