import type { Got } from '../stage/puppet.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'
import { victims } from './neighbours.ts'

const IDLE_S = 2
/** Each way. */
const DELAY_MS = 40

export const keepAliveRace: Scenario = {
  id: 'keep-alive-race',
  title: "A request and the server's idle close cross on the wire",
  kind: 'neighbour',
  packages: [],
  signals: ['server TcpExtTCPAbortOnData', 'server TcpOutRsts'],
  variants: [
    {
      id: 'crossed',
      title: 'The client reuses a connection exactly when the server gives it up',
      expects: {
        verdict: 'problem',
        cause: 'keep-alive-race',
        enough: ['server-idle-timeout'],
        // To a kernel a request that crossed the close is data after it.
        shallower: ['data-after-close'],
      },
      fault: `The server closes after ${IDLE_S} s of silence, the path takes ${DELAY_MS} ms each way, and second requests come then.`,
      fix: `The client gives up idle connections after 1.5 s, earlier than the server does.`,
    },
  ],
  reproduce: (stage) => play(stage, false),
  fix: (stage) => play(stage, true),
}

async function play(stage: Stage, fixed: boolean): Promise<Outcome> {
  await stage.lay('client', 'server')
  const [client, server] = await Promise.all([stage.puppet('client'), stage.puppet('server')])
  await stage.relay(DELAY_MS)
  await server.do({ op: 'serve', as: 'service', port: 80, idleCloseS: IDLE_S })
  await stage.tapEnds({ snap: 200 })
  const name = (n: number) => `c${n}`
  const open = (n: number) =>
    client.do({ op: 'connect', as: name(n), host: stage.server.address, port: 80 })
  // The server's clock starts one way before the client has the answer; within two ways of its close a request crosses the FIN.
  const again = async (n: number, silenceMs: number): Promise<Got> => {
    await stage.sleep(150 * n)
    await open(n)
    await client.do({ op: 'ask', on: name(n) })
    await stage.sleep(silenceMs)
    if (fixed && silenceMs > 1500) {
      await client.do({ op: 'close', on: name(n) })
      await open(n)
    }
    const got = await client.try({ op: 'ask', on: name(n), path: '/2', timeout: 5 })
    await client.do({ op: 'close', on: name(n) })
    return got
  }
  stage.step('ten clients use their connection again after 1.95 s, others after 0.4 to 1.6 s')
  stage.look()
  const crossing = Array.from({ length: 10 }, (_, n) => again(n, IDLE_S * 1000 - 70 + 4 * n))
  const early = Array.from({ length: 5 }, (_, n) => again(20 + n, 400 + 300 * n))
  const idle = Array.from({ length: 5 }, (_, n) => leftAlone(stage, client, n, open))
  const got = await Promise.all(crossing)
  await Promise.all([...early, ...idle])
  return victims(got, 'second requests at the moment of the close')
}

/** Stays silent, sees the server's FIN, and closes. */
async function leftAlone(
  stage: Stage,
  client: Awaited<ReturnType<Stage['puppet']>>,
  n: number,
  open: (n: number) => Promise<unknown>,
): Promise<void> {
  await stage.sleep(130 * n)
  await open(40 + n)
  await client.do({ op: 'ask', on: `c${40 + n}` })
  await client.do({ op: 'receive', on: `c${40 + n}`, timeout: 10 })
  await client.do({ op: 'close', on: `c${40 + n}` })
}
