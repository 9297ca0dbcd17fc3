import { startNginx } from '../servers/nginx.ts'
import { failures } from '../stage/load.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'

export const busyButFine: Scenario = {
  id: 'busy-but-fine',
  title: 'A busy server with nothing wrong',
  kind: 'healthy',
  packages: ['nginx-light'],
  signals: ['server ESTABLISHED', 'requests answered', 'server accept queue'],
  variants: [
    {
      id: 'nginx',
      title: '150 new connections a second, all answered',
      expects: { verdict: 'healthy', cause: null },
      fault: 'None.',
      fix: null,
    },
  ],
  reproduce: play,
}

async function play(stage: Stage): Promise<Outcome> {
  await stage.lay('client', 'server')
  await startNginx(stage, stage.server)
  await stage.tapEnds({ snap: 96 })
  stage.step('150 requests a second for 8 s')
  stage.look()
  const load = stage.load('client', {
    host: stage.server.address,
    port: 80,
    timeoutMs: 10_000,
    rate: 150,
    forMs: 8000,
  })
  stage.gauge('requests answered', () => load.now().answered)
  await stage.sleep(4000)
  const counts = await load.done
  return {
    failing: failures(counts) > 0,
    symptom: `${counts.answered} of ${counts.sent} requests answered, half of them within ${counts.p50} ms`,
    measures: [
      { name: 'requests', value: counts.sent },
      { name: 'failed', value: failures(counts) },
    ],
  }
}
