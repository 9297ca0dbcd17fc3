import { readFileSync } from 'node:fs'
import { programPath } from '../programs.ts'
import { startNginx } from '../servers/nginx.ts'
import type { Puppet } from '../stage/puppet.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'

const APP = 3000
/** Each way: nginx and the application are in two regions. A request and a FIN can cross within both ways. */
const DELAY_MS = 75
const AGENTS = 12
const ROUNDS = 5
/** How long Node 20.20 keeps an idle connection that it promises 5 s; other versions add no second. */
const USUAL_MS = 6000
const FIXED_KEEP_ALIVE_MS = 65_000

export const staleUpstream: Scenario = {
  id: 'stale-upstream',
  title: 'nginx keeps connections to a Node application longer than Node does: some POSTs get 502',
  kind: 'neighbour',
  author: 'fresh-eyes',
  packages: ['nginx-light'],
  signals: ['client ESTABLISHED', 'server TcpOutRsts', 'server TcpExtTCPAbortOnData'],
  variants: [
    {
      id: 'node-5s',
      title: "Node's keepAliveTimeout of 5 s below nginx's keepalive_timeout of 60 s",
      expects: { verdict: 'problem', cause: 'keep-alive-race', enough: ['server-idle-timeout'] },
      fault: `${AGENTS} agents post through nginx (upstream keepalive_timeout 60 s) to a Node server (keepAliveTimeout 5 s) ${DELAY_MS} ms away each way, just as often as it closes idle connections; nginx repeats a GET, but no POST.`,
      fix: `server.keepAliveTimeout = ${FIXED_KEEP_ALIVE_MS / 1000} s in the application, more than nginx keeps its connections.`,
    },
  ],
  reproduce: (stage) => play(stage, false),
  fix: (stage) => play(stage, true),
}

async function play(stage: Stage, fixed: boolean): Promise<Outcome> {
  // nginx is the client of the connections in question; the agents behind it are client2.
  await stage.lay('client', 'client2', 'server')
  const agents = await stage.puppet('client2')
  await stage.relay(DELAY_MS)
  const options = { listen: APP, ...(fixed ? { keepAliveMs: FIXED_KEEP_ALIVE_MS } : {}) }
  const argv = [process.execPath, programPath('backend.mjs'), JSON.stringify(options)]
  await stage.server.spawn(argv, { log: 'backend.log', port: APP })
  await startProxy(stage)
  const everyMs = fixed ? USUAL_MS : await idleOf(stage, agents)
  await stage.tapEnds({ snap: 256 })
  stage.gauge('answers with 502', () => statuses(stage).failed)
  stage.markWhen('502', (sample) => (sample['answers with 502'] ?? 0) > 0)
  stage.step(`${AGENTS} agents post every ${everyMs / 1000} s; somebody watches a page meanwhile`)
  const looked = stage.sleep(everyMs - 1500).then(() => stage.look('client'))
  const all = Array.from({ length: AGENTS }, (_, n) => agent(stage, agents, { n, everyMs }))
  await Promise.all([...all, watcher(stage, agents, everyMs), monitor(stage, agents), looked])
  return outcome(stage)
}

function startProxy(stage: Stage): Promise<unknown> {
  const { client, server } = stage
  return startNginx(stage, client, {
    keepaliveTimeoutS: 75,
    http: `upstream app { server ${server.address}:${APP}; keepalive 32; keepalive_timeout 60s; }`,
    location: `proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; access_log ${stage.path('access.log')} combined;`,
  })
}

/** How long the application keeps an idle connection: versions of Node differ by a second. */
async function idleOf(stage: Stage, agents: Puppet): Promise<number> {
  const { address: host } = stage.server
  return Math.round((await agents.do({ op: 'idle', host, port: APP, timeout: 20 }))['ms']!)
}

/** Posts by the clock, a little after the others or before them. */
async function agent(
  stage: Stage,
  agents: Puppet,
  { n, everyMs }: { n: number; everyMs: number },
): Promise<void> {
  const from = performance.now()
  const on = `agent ${n}`
  await agents.do({ op: 'connect', as: on, host: stage.client.address, port: 80 })
  for (let round = 0; round < ROUNDS; round++) {
    const jitter = (37 * n + 53 * round) % 100
    await stage.sleep(Math.max(0, everyMs * round + 500 + jitter - (performance.now() - from)))
    await agents.do({ op: 'ask', on, path: '/events', upload: 60, timeout: 10 })
  }
  await agents.do({ op: 'close', on })
}

/** A page that asks often: its connection is never idle for long. */
async function watcher(stage: Stage, agents: Puppet, everyMs: number): Promise<void> {
  const on = 'watcher'
  await agents.do({ op: 'connect', as: on, host: stage.client.address, port: 80 })
  for (let n = 0; n < (everyMs * ROUNDS) / 900; n++) {
    await agents.do({ op: 'ask', on, path: '/status', timeout: 10 })
    await stage.sleep(700)
  }
  await agents.do({ op: 'close', on })
}

/** Asks the application itself, each time on a connection of its own. */
async function monitor(stage: Stage, agents: Puppet): Promise<void> {
  for (let n = 0; n < 10; n++) {
    await agents.do({ op: 'once', host: stage.server.address, port: APP, path: '/health' })
    await stage.sleep(1900)
  }
}

/** As nginx logged them: "POST /events HTTP/1.1" 502 */
function statuses(stage: Stage): { posts: number; failed: number; others: number } {
  let log = ''
  try {
    log = readFileSync(stage.path('access.log'), 'utf8')
  } catch {
    // Nothing was asked yet.
  }
  const all = [...log.matchAll(/"(GET|POST) [^"]*" (\d{3}) /g)]
  const posts = all.filter(([, verb]) => verb === 'POST')
  const failed = posts.filter(([, , status]) => status === '502').length
  const others = all.length - posts.length
  return { posts: posts.length, failed, others }
}

function outcome(stage: Stage): Outcome {
  const { posts, failed, others } = statuses(stage)
  return {
    failing: failed > 0,
    symptom: `${failed} of ${posts} POSTs got 502 from nginx; all ${others} GETs were answered`,
    measures: [
      { name: 'POSTs', value: posts },
      { name: '502', value: failed },
      { name: 'GETs answered', value: others },
    ],
  }
}
