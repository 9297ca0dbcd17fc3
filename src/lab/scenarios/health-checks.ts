import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'
import { bystanders, twoEnds } from './neighbours.ts'

export const healthChecks: Scenario = {
  id: 'health-checks',
  title: 'Balancers look whether the port is open',
  kind: 'healthy',
  packages: [],
  signals: ['server ESTABLISHED', 'server TcpEstabResets'],
  variants: [
    {
      id: 'two-balancers',
      title: 'One resets its checks, one closes them',
      expects: { verdict: 'benign', cause: 'health-check' },
      fault:
        'None: two addresses connect every 0.5 s and leave without an octet, one with RST, one with FIN.',
      fix: null,
    },
  ],
  reproduce: play,
}

async function play(stage: Stage): Promise<Outcome> {
  const { client, server } = await twoEnds(stage, { snap: 96 })
  const [resetting = '', closing = ''] = await stage.addAddresses('client', 2)
  await server.do({ op: 'serve', as: 'service', port: 80 })
  const check = async (source: string, how: string) => {
    const begin = performance.now()
    for (let n = 0; n < 10; n++) {
      // Checkers keep their rhythm however long a check takes.
      await stage.sleep(Math.max(0, begin + 500 * n - performance.now()))
      await client.do({
        op: 'connect',
        as: `${how} ${n}`,
        host: stage.server.address,
        port: 80,
        source,
      })
      await client.do({ op: 'close', on: `${how} ${n}`, how })
    }
  }
  stage.step('two health checks, and users')
  stage.look()
  await Promise.all([
    check(resetting, 'linger-zero'),
    check(closing, 'fin'),
    bystanders(stage, client, { count: 10, port: 80, gapMs: 450 }),
  ])
  return {
    failing: false,
    symptom: '20 checks and 10 requests; every request was answered',
    measures: [{ name: 'failed', value: 0 }],
  }
}
