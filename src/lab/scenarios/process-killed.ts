import type { Got } from '../stage/puppet.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'
import { bystanders, twoEnds, victims } from './neighbours.ts'

export const processKilled: Scenario = {
  id: 'process-killed',
  title: "The server's process dies with its connections",
  kind: 'neighbour',
  packages: [],
  signals: ['server ESTABLISHED', 'server TcpOutRsts'],
  variants: [
    {
      id: 'unread-data',
      title: 'kill -9 with requests that it had not read',
      expects: {
        verdict: 'problem',
        cause: 'process-killed',
        consequences: ['listener-closed', 'port-closed'],
      },
      fault:
        'A server process is killed (SIGKILL); four idle connections, four that wait for an answer, four with an unread request.',
      fix: 'It is left alive.',
    },
    {
      id: 'nothing-unread',
      title: 'kill -9 with nothing unread',
      expects: {
        verdict: 'problem',
        cause: 'process-killed',
        consequences: ['listener-closed', 'port-closed'],
      },
      fault: 'As unread-data, without a request that it had not read: FIN instead of RST.',
      fix: 'It is left alive.',
    },
  ],
  reproduce: (stage, variant) => play(stage, variant, false),
  fix: (stage, variant) => play(stage, variant, true),
}

/** Slow answers take this long: nobody waits for all of it. */
const SLOW_S = 6

async function play(stage: Stage, variant: string, fixed: boolean): Promise<Outcome> {
  const { client, server } = await twoEnds(stage)
  const doomed = await stage.server.newPuppet()
  await doomed.do({ op: 'serve', as: 'service', port: 80, paths: { '/slow': { waitS: SLOW_S } } })
  await server.do({ op: 'serve', as: 'other', port: 8080 })
  stage.step('twelve connections: idle, waiting for an answer, with an unread request')
  stage.look()
  const waiting: Promise<Got>[] = []
  const count = variant === 'unread-data' ? 12 : 8
  for (let n = 0; n < count; n++) {
    const name = `c${n}`
    await client.do({ op: 'connect', as: name, host: stage.server.address, port: 80 })
    if (n < 4) await client.do({ op: 'ask', on: name })
    else {
      await client.do({
        op: 'send',
        on: name,
        text: 'GET /slow HTTP/1.1\r\nHost: shop.test\r\n\r\n',
      })
      if (n >= 8) {
        await stage.sleep(50)
        await client.do({
          op: 'send',
          on: name,
          text: 'GET /next HTTP/1.1\r\nHost: shop.test\r\n\r\n',
        })
      }
      waiting.push(client.try({ op: 'receive', on: name, octets: 100, timeout: 15 }))
    }
    if (n % 4 === 3) await bystanders(stage, client, { count: 1, gapMs: 50 })
  }
  // The requests are being worked on for a while, not just accepted.
  await stage.sleep(600)
  if (!fixed) {
    stage.mark('kill -9')
    await doomed.process.end('SIGKILL')
  }
  // The end of file without an octet is no answer.
  const got = (await Promise.all(waiting)).map(
    (one): Got => (one.ok && one.value['octets'] === 0 ? { ok: false, error: 'EOF' } : one),
  )
  for (let n = 0; n < 2; n++) await client.try({ op: 'ask', on: `c${n}`, timeout: 5 })
  for (let n = 0; n < 3; n++) await client.try({ op: 'once', host: stage.server.address, port: 80 })
  await bystanders(stage, client, { count: 1 })
  return victims(got, 'answers that were waited for')
}
