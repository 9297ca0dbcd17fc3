import { startHaproxy } from '../servers/haproxy.ts'
import { chain } from '../stage/host.ts'
import type { Got, Puppet } from '../stage/puppet.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'

/** In the incident 1,800 s; what matters is which silence is longer. */
const FORGETS_S = 4
const POOL = 20
const SILENCES_S = [0.5, 1.5, 2.5, 3.2, 5.2, 7] as const
const PATIENCE_S = 2
/** Of the pool that drops idle connections itself. */
const EXPIRY_S = 3

type Flavour = 'reset' | 'drop' | 'nat-state-lost' | 'haproxy'
type Fix = 'keepalive' | 'expiry'

const fault = `A box on the way forgets a connection that was silent for ${FORGETS_S} s (in the incident 1,800 s)`
const keepaliveFix =
  'TCP keepalive below the threshold: SO_KEEPALIVE, TCP_KEEPIDLE 2 s. Every probe restarts the clock of the box.'
const expiryFix = `The pool itself drops connections idle for ${EXPIRY_S} s, below the threshold (as "Keep-Alive: timeout=${EXPIRY_S}" would tell it).`

export const idleTimeout: Scenario = {
  id: 'idle-timeout',
  title: 'Something between client and server forgets idle connections',
  kind: 'incident',
  packages: [],
  signals: ['client ESTABLISHED', 'server ESTABLISHED', 'requests answered', 'requests failed'],
  variants: [
    {
      id: 'reset',
      title: 'A VIP that resets what it has forgotten',
      expects: { verdict: 'problem', cause: 'middlebox-idle-timeout', variant: 'reset' },
      fault: `${fault} and answers the next packet with RST (conntrack, nft reject with tcp reset).`,
      fix: keepaliveFix,
    },
    {
      id: 'drop',
      title: 'A VIP that drops in silence what it has forgotten',
      expects: {
        verdict: 'problem',
        cause: 'middlebox-idle-timeout',
        variant: 'drop',
        shallower: ['path-lost', 'client-timeout'],
      },
      fault: `${fault} and drops its packets.`,
      fix: expiryFix,
    },
    {
      id: 'nat-state-lost',
      title: 'A NAT that forgets: the server itself resets a stranger',
      expects: {
        verdict: 'problem',
        cause: 'middlebox-idle-timeout',
        variant: 'nat-state-lost',
        // Where the new port is refused and not reset, nothing comes back, which is all that this end sees.
        shallower: ['peer-restarted', 'wrong-host', 'path-lost'],
      },
      fault: `${fault}; the next packet leaves it from another port, and the server resets what it does not know.`,
      fix: keepaliveFix,
    },
    {
      id: 'haproxy',
      title: 'HAProxy closes idle connections with FIN',
      expects: {
        verdict: 'problem',
        cause: 'server-idle-timeout',
        enough: ['keep-alive-race', 'data-after-close'],
      },
      fault: `HAProxy with timeout client and server ${FORGETS_S} s; the pool uses what it has closed.`,
      fix: expiryFix,
      packages: ['haproxy'],
      isProxied: true,
    },
  ],
  reproduce: (stage, variant) => play(stage, variant as Flavour, null),
  fix: (stage, variant) =>
    play(
      stage,
      variant as Flavour,
      variant === 'drop' || variant === 'haproxy' ? 'expiry' : 'keepalive',
    ),
}

async function play(stage: Stage, flavour: Flavour, fix: Fix | null): Promise<Outcome> {
  await stage.lay('client', 'server')
  const [client, server] = await Promise.all([stage.puppet('client'), stage.puppet('server')])
  await server.do({ op: 'serve', as: 'http', port: 80 })
  await server.do({ op: 'serve', as: 'other', port: 8080 })
  const address = await putBox(stage, flavour)
  await stage.tapWay({ snap: 160 })
  stage.step(
    `a pool of ${POOL} connections, each silent for ${SILENCES_S.join(', ')} s in turn${fix === null ? '' : `; fix: ${fix}`}`,
  )
  const done: { silenceS: number; got: Got }[] = []
  const failed = () => done.filter(({ got }) => !got.ok)
  stage.gauge('requests answered', () => done.length - failed().length)
  stage.gauge('requests failed', () => failed().length)
  stage.markWhen('a pooled connection that nobody had closed is dead', () => failed().length > 0)
  // When the first silences are over that are too long.
  const looked = stage.sleep(4_500).then(() => stage.look('client'))
  const pool = Array.from({ length: POOL }, (_, n) =>
    pooled(stage, { client, address, n, fix, done }),
  )
  await Promise.all([...pool, looked, others(stage, client)])
  return outcome(done)
}

async function putBox(stage: Stage, flavour: Flavour): Promise<string> {
  const { router, server } = stage
  if (flavour === 'haproxy') {
    await startHaproxy(stage, router, {
      listen: router.address,
      port: 80,
      to: `${server.address}:80`,
      idleMs: FORGETS_S * 1000,
    })
    return router.address
  }
  const unknown = {
    reset: ['ct state invalid reject with tcp reset'],
    drop: ['ct state invalid drop'],
    'nat-state-lost': [],
  }[flavour]
  await router.nft(chain('forward', ['ct state established accept', ...unknown]))
  if (flavour === 'nat-state-lost') {
    const rule = `ip saddr ${stage.client.address} masquerade fully-random`
    await router.nft(chain('postrouting', [rule], { type: 'nat', table: 'ip nat' }))
  }
  await router.sysctl({
    'net.netfilter.nf_conntrack_tcp_timeout_established': FORGETS_S,
    'net.netfilter.nf_conntrack_tcp_loose': flavour === 'nat-state-lost' ? 1 : 0,
    'net.netfilter.nf_conntrack_tcp_be_liberal': 0,
  })
  return server.address
}

/** One connection of the pool and the jobs that use it; a dead one is replaced, as pools do. */
async function pooled(
  stage: Stage,
  of: {
    client: Puppet
    address: string
    n: number
    fix: Fix | null
    done: { silenceS: number; got: Got }[]
  },
): Promise<void> {
  const { client, address, n, fix, done } = of
  const name = `pooled ${n}`
  const options = fix === 'keepalive' ? { keepalive: 1, keepidle: 2, keepintvl: 2, keepcnt: 5 } : {}
  const open = async () => {
    await client.do({ op: 'connect', as: name, host: address, port: 80, timeout: 5, options })
    await client.do({ op: 'ask', on: name, timeout: 5 })
  }
  await stage.sleep(40 * n)
  await open()
  for (let k = 0; k < SILENCES_S.length; k++) {
    const silenceS = SILENCES_S[(k + n) % SILENCES_S.length]!
    // A pool that waits for the next use closes when the box has forgotten: its FIN never arrives.
    const isExpired = fix === 'expiry' && silenceS > EXPIRY_S
    await stage.sleep((isExpired ? EXPIRY_S : silenceS) * 1000)
    if (isExpired) {
      await client.do({ op: 'close', on: name })
      await stage.sleep((silenceS - EXPIRY_S) * 1000)
      await open()
    }
    const got = await client.try({ op: 'ask', on: name, path: '/job', timeout: PATIENCE_S })
    done.push({ silenceS, got })
    if (got.ok) continue
    await client.do({ op: 'close', on: name })
    await open()
  }
  await client.do({ op: 'close', on: name })
}

/** Short connections to another port of the server: nothing is wrong with those. */
async function others(stage: Stage, client: Puppet): Promise<void> {
  for (let n = 0; n < 30; n++) {
    await client.do({ op: 'once', host: stage.server.address, port: 8080, timeout: 10 })
    await stage.sleep(500)
  }
}

function outcome(done: readonly { silenceS: number; got: Got }[]): Outcome {
  const failed = done.filter(({ got }) => !got.ok)
  const alive = done.filter(({ got }) => got.ok)
  const errors = [...new Set(failed.map(({ got }) => (got.ok ? '' : got.error)))].join(', ')
  const rows = SILENCES_S.map((silenceS) => {
    const of = done.filter((one) => one.silenceS === silenceS)
    return [
      `${silenceS} s`,
      of.filter(({ got }) => got.ok).length,
      of.filter(({ got }) => !got.ok).length,
    ]
  })
  return {
    failing: failed.length > 0,
    symptom: `${failed.length} of ${done.length} requests on pooled connections failed${errors === '' ? '' : ` (${errors})`}`,
    measures: [
      { name: 'requests', value: done.length },
      { name: 'failed', value: failed.length },
      {
        name: 'longest silence that lived',
        value: Math.max(0, ...alive.map(({ silenceS }) => silenceS)),
        unit: 's',
      },
    ],
    table: {
      title: 'Silence before the request, and what became of it',
      head: ['silence', 'answered', 'failed'],
      rows,
    },
  }
}
