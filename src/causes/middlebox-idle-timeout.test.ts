import { causeTable } from '../../test/helpers/cause-table.ts'
import { address, connection, fate, reset, segment, side } from '../../test/helpers/facts.ts'
import type { IdleExperiment } from '../evidence/experiments.ts'
import { middleboxIdleTimeout } from './middlebox-idle-timeout.ts'

/** Data after `silence`, answered by a stateless RST with the server's address. */
function died(id: number, silence: number, ttl = 63, over: Parameters<typeof connection>[0] = {}) {
  const at = 5 + silence + id * 300
  const data = segment({ frame: 30 + id, tMs: at, seq: 101, ack: 501, len: 80 })
  const unusual = ttl !== 63
  return connection({
    id,
    ending: 'reset',
    resets: [
      reset({
        frame: 60 + id,
        tMs: at + 1,
        seq: 501,
        trigger: data,
        silenceBeforeMs: silence,
        ttl,
        ttlUnusual: unusual,
        ttlUsual: 63,
      }),
    ],
    ...over,
  })
}

const dropped = (id: number, silence: number, times = 5) =>
  connection({
    id,
    ending: 'timed-out',
    sides: {
      client: {
        unanswered: {
          what: 'data',
          seq: 101,
          len: 80,
          firstFrame: 30,
          lastFrame: 38,
          firstMs: 5.1 + silence,
          lastMs: 5.1 + silence + 3000,
          times,
        },
      },
    },
  })

/** Its client gives up by RST, 2 s after its last try. */
const givenUp = (id: number, silence: number) => {
  const last = 5.1 + silence + 3000
  return {
    ...dropped(id, silence),
    ending: 'reset' as const,
    resets: [reset({ from: 'client', shape: 'active', tMs: last + 2000, trigger: null })],
  }
}

/** Its client only closes: the FIN is not answered. `heardMs`: the last of the server. */
const onlyClosed = (id: number, silence: number, heardMs = 5) =>
  connection({
    id,
    ending: 'timed-out',
    sides: {
      client: {
        unanswered: {
          what: 'fin',
          seq: 101,
          len: 0,
          firstFrame: 30,
          lastFrame: 38,
          firstMs: 5.1 + silence,
          lastMs: 5.1 + silence + 3000,
          times: 5,
        },
      },
      server: { lastMs: heardMs },
    },
  })

const found = (over: Partial<IdleExperiment> = {}): IdleExperiment => ({
  kind: 'idle',
  source: 'probe',
  ref: 'targets[0].runs[0]',
  endpoint: '10.77.2.2:80',
  fromMs: 7800,
  toMs: 8090,
  flavour: 'silent',
  by: 'middlebox',
  ...over,
})
const between = [{ survivedSilenceMs: 7000, survivedSilenceId: 7 }]

causeTable(middleboxIdleTimeout, [
  {
    name: 'dropped after a silence, nobody answered afterwards: possible',
    connections: [dropped(0, 10_000)],
    endpoints: between,
    is: 'possible',
    against: ['others-not-seen'],
  },
  {
    name: 'the same, and an experiment found a limit between what lived and what died: confirmed',
    connections: [dropped(0, 10_000)],
    endpoints: between,
    experiments: [found()],
    is: 'confirmed',
    because: ['interval', 'experiment-agrees'],
  },
  {
    name: 'only one that died is seen, and the experiment has such a limit: likely',
    connections: [dropped(0, 10_000)],
    experiments: [found()],
    is: 'likely',
    because: ['experiment-agrees'],
  },
  {
    name: 'of another day it supports only',
    connections: [dropped(0, 10_000)],
    endpoints: between,
    experiments: [found()],
    apart: { ms: 90_000_000, when: 'after' },
    is: 'possible',
    because: ['experiment-agrees'],
    against: ['experiment-after'],
  },
  {
    name: 'the client gave up by RST: as well',
    connections: [givenUp(0, 10_000)],
    endpoints: between,
    experiments: [found()],
    is: 'confirmed',
    because: ['silence-drop', 'experiment-agrees'],
  },
  {
    name: 'near miss: the RST came from the server while the data was sent again',
    connections: [
      {
        ...dropped(0, 10_000),
        ending: 'reset',
        resets: [reset({ tMs: 13_000, shape: 'active', trigger: null })],
      },
    ],
    endpoints: between,
    experiments: [found()],
    is: 'nothing',
  },
  {
    name: 'only closed after the silence, and the FIN is not answered',
    connections: [onlyClosed(0, 10_000)],
    endpoints: between,
    experiments: [found()],
    is: 'confirmed',
    because: ['silence-fin', 'experiment-agrees'],
  },
  {
    name: 'near miss: the server was heard after the FIN',
    connections: [onlyClosed(0, 10_000, 11_000)],
    endpoints: between,
    experiments: [found()],
    is: 'nothing',
  },
  {
    name: 'the experiment has another limit: a longer silence was survived here',
    connections: [dropped(0, 30_000)],
    endpoints: [{ survivedSilenceMs: 20_000, survivedSilenceId: 7 }],
    paths: [{ survivedSilenceMs: 20_000 }],
    experiments: [found()],
    is: 'possible',
    against: ['experiment-shorter'],
  },
  {
    name: 'the experiment found that the server closes sooner',
    connections: [dropped(0, 10_000)],
    endpoints: between,
    experiments: [found({ by: 'server', flavour: 'fin' })],
    is: 'possible',
    against: ['experiment-server'],
  },
  {
    name: 'the experiment ended otherwise: told, and decides nothing',
    connections: [dropped(0, 10_000)],
    endpoints: between,
    experiments: [found({ flavour: 'reset' })],
    is: 'possible',
    because: ['experiment-differs'],
  },
  {
    name: "resets of the experiment had another TTL, this one has the server's",
    connections: [died(0, 10_000)],
    endpoints: between,
    experiments: [found({ flavour: 'reset' })],
    is: 'possible',
    against: ['same-ttl', 'experiment-other-ttl'],
  },
  {
    name: 'RST with another TTL after a silence',
    connections: [died(0, 8000, 64)],
    endpoints: [{ survivedSilenceMs: 5000, survivedSilenceId: 7 }],
    is: 'likely',
    variant: 'reset',
    culprit: 'middlebox',
    because: ['silence-reset', 'other-ttl', 'no-fin'],
  },
  {
    name: 'another TTL, but one event can have ended all of them: no limit is shown',
    connections: [died(0, 2000, 64), died(1, 2001, 64), died(2, 2002, 64)],
    is: 'possible',
    against: ['one-moment'],
  },
  {
    name: 'another TTL, and others were served afterwards: no rule against all',
    connections: [died(0, 2000, 64), died(1, 2001, 64), died(2, 2002, 64)],
    endpoints: [{ lastAnswerMs: 9000 }],
    is: 'likely',
  },
  {
    name: 'same TTL, three died above what survived: a threshold',
    connections: [died(0, 8000), died(1, 9000), died(2, 12_000)],
    endpoints: [{ survivedSilenceMs: 5000, survivedSilenceId: 7 }],
    is: 'likely',
    explains: 3,
    because: ['interval', 'several'],
    against: ['same-ttl'],
  },
  {
    name: 'same TTL, single: a restarted server looks the same',
    connections: [died(0, 400_000)],
    is: 'possible',
    against: ['same-ttl'],
    because: ['default'],
  },
  {
    name: 'a longer silence survived: ruled out',
    connections: [died(0, 8000)],
    endpoints: [{ survivedSilenceMs: 20_000 }],
    is: 'excluded',
  },
  {
    name: 'a longer silence survived, but the TTL is another one: said against it',
    connections: [died(0, 8000, 64)],
    endpoints: [{ survivedSilenceMs: 20_000 }],
    is: 'likely',
    against: ['survived-longer'],
  },
  {
    name: 'two captures: the server never sent it',
    connections: [died(0, 8000)],
    endpoints: [{ survivedSilenceMs: 5000, survivedSilenceId: 7 }],
    fates: [[0, [fate()]]],
    is: 'confirmed',
    because: ['proof-reset'],
  },
  {
    name: 'near miss: what was repeated arrived at the server: no box had forgotten it',
    connections: [dropped(0, 9000)],
    endpoints: [{ lastAnswerMs: 20_000, survivedSilenceMs: 5000 }],
    fates: [[0, [fate({ frame: 30, kind: 'data', from: 'client', fate: 'delivered' })]]],
    is: 'nothing',
  },
  {
    name: 'near miss: no silence before',
    connections: [died(0, 500, 64)],
    is: 'nothing',
  },
  {
    name: 'near miss: the server had closed before',
    connections: [
      died(0, 8000, 63, {
        sides: {
          server: {
            fin: { frame: 9, tMs: 5000, seq: 501, ackedMs: null, ackedFrame: null, times: 1 },
          },
        },
      }),
    ],
    is: 'nothing',
  },
  {
    name: 'silence, then nothing comes back while others are answered',
    connections: [dropped(0, 9000)],
    endpoints: [{ lastAnswerMs: 20_000, survivedSilenceMs: 5000 }],
    is: 'likely',
    variant: 'drop',
    because: ['silence-drop-only', 'interval'],
  },
  {
    name: 'near miss: the other side had closed before the silence: that is forgotten sooner than what is idle',
    connections: [
      {
        ...dropped(0, 9000),
        sides: {
          ...dropped(0, 9000).sides,
          server: side('server', {
            fin: { frame: 20, tMs: 5, seq: 501, ackedMs: null, ackedFrame: null, times: 1 },
          }),
        },
      },
    ],
    endpoints: [{ lastAnswerMs: 20_000, survivedSilenceMs: 5000 }],
    is: 'nothing',
  },
  {
    name: 'the same without any survivor to compare',
    connections: [dropped(0, 9000)],
    endpoints: [{ lastAnswerMs: 20_000 }],
    is: 'possible',
    variant: 'drop',
  },
  {
    name: 'two captures: the data never arrived',
    connections: [dropped(0, 9000)],
    endpoints: [{ lastAnswerMs: 20_000 }],
    fates: [[0, [fate({ kind: 'data', from: 'client', fate: 'lost', frame: 30 })]]],
    is: 'confirmed',
    because: ['proof-data'],
  },
  {
    name: 'nobody is answered any more: the path may be lost as well',
    connections: [dropped(0, 9000)],
    endpoints: [{ lastAnswerMs: 5, survivedSilenceMs: 5000 }],
    is: 'possible',
    because: ['silence-drop'],
    against: ['others-not-seen'],
  },
  {
    name: 'two captures, nobody answered and nothing to compare: no proof of a device',
    connections: [dropped(0, 9000)],
    endpoints: [{ lastAnswerMs: 5 }],
    fates: [[0, [fate({ kind: 'data', from: 'client', fate: 'lost', frame: 30 })]]],
    is: 'possible',
  },
  {
    name: 'NAT entry lost: another port continues the numbers, across 2^32',
    connections: [
      connection({ id: 0, sides: { client: { isn: 0xffff_ffff } }, lastMs: 5.1 }),
      connection({
        id: 1,
        client: address('10.77.3.1', 50_001),
        sawStart: false,
        ending: 'reset',
        sides: { client: { isn: null, seqBase: 99 } },
        resets: [reset({ trigger: segment({ tMs: 9000, seq: 1, len: 80, frame: 40 }), tMs: 9001 })],
      }),
    ],
    is: 'likely',
    variant: 'nat-state-lost',
    because: ['continues'],
  },
  {
    name: 'near miss: a stray segment with other numbers',
    connections: [
      connection({ id: 0, sides: { client: { isn: 1000 } } }),
      connection({
        id: 1,
        client: address('10.77.3.1', 50_001),
        sawStart: false,
        ending: 'reset',
        sides: { client: { isn: null, seqBase: 99 } },
        resets: [
          reset({
            trigger: segment({ tMs: 9000, seq: 1, len: 80, frame: 40 }),
            tMs: 9001,
            silenceBeforeMs: 0,
          }),
        ],
      }),
    ],
    is: 'nothing',
  },
  {
    name: 'the TTL of the reset is that of other connections of this address: another machine, no box on the way',
    connections: [
      died(0, 2500, 59),
      died(1, 2500, 59),
      died(2, 2500, 59),
      connection({ id: 9, sides: { server: { ttls: [59] } } }),
    ],
    endpoints: [{ survivedSilenceMs: 500 }],
    fates: [0, 1, 2].map((id) => [id, [fate()]] as const),
    is: 'possible',
  },
])
