import { causeTable } from '../../test/helpers/cause-table.ts'
import {
  address,
  application,
  connection,
  fate,
  handshakeOnly,
  icmp,
  requestOnly,
  reset,
  segment,
  unanswered,
} from '../../test/helpers/facts.ts'
import type {
  BacklogExperiment,
  ConnectExperiment,
  Experiment,
  HttpExperiment,
} from '../evidence/experiments.ts'
import { acceptQueueOverflow } from './accept-queue-overflow.ts'
import { clientTimeout } from './client-timeout.ts'
import { connectFiltered } from './connect-filtered.ts'
import { firewallReject } from './firewall-reject.ts'
import { hostUnreachable } from './host-unreachable.ts'
import { keepAliveRace } from './keep-alive-race.ts'
import { portClosed } from './port-closed.ts'
import { serverIdleTimeout } from './server-idle-timeout.ts'
import { serverStalled } from './server-stalled.ts'

// What results of tcpwhy probe add to packets: hits, near misses (another server, another shape), contradictions.

const from = { source: 'probe', ref: 'targets[0]', endpoint: '10.77.2.2:80' }

function tried(
  outcome: ConnectExperiment['outcome'],
  over: Partial<ConnectExperiment> = {},
): ConnectExperiment {
  return {
    ...from,
    kind: 'connect',
    outcome,
    refusedBy: null,
    icmpFrom: null,
    secured: false,
    lastedMs: 5000,
    ...over,
  }
}

const burst = (over: Partial<BacklogExperiment>): BacklogExperiment => ({
  ...from,
  kind: 'backlog',
  connections: 200,
  tookAll: 25,
  hasLimit: true,
  troubles: { syn: 0, reset: 0, ack: 0 },
  overflows: null,
  ...over,
})

const neighbour = connection({ id: 9, server: address('10.77.2.2', 8080) })
const rst = reset({ shape: 'syn-reply', seq: 0, ack: 1, tMs: 1, frame: 2, afterTriggerMs: 1 })
const refused = (over: Partial<typeof rst> = {}) =>
  unanswered({ ending: 'refused', endedBy: 'server', resets: [{ ...rst, ...over }] })

causeTable(portClosed, [
  {
    name: 'refused from as far away as the host is: a reject rule there would do the same, so likely',
    connections: [refused(), neighbour],
    experiments: [tried('refused', { refusedBy: 'host' })],
    is: 'likely',
    because: ['connect-refused-by-host'],
  },
  {
    name: 'refused, by whom is not known: it supports only',
    connections: [refused(), neighbour],
    experiments: [tried('refused')],
    is: 'likely',
    because: ['connect-refused'],
  },
  {
    name: 'near miss: the packets do not tell whose TTL it is',
    connections: [refused({ ttl: 0 })],
    hosts: [],
    experiments: [tried('refused', { refusedBy: 'host' })],
    is: 'likely',
  },
  {
    name: 'near miss: the experiment was with another port',
    connections: [refused(), neighbour],
    experiments: [tried('refused', { refusedBy: 'host', endpoint: '10.77.2.2:8080' })],
    is: 'likely',
  },
  {
    name: 'near miss: the port serves others meanwhile',
    connections: [refused(), neighbour],
    endpoints: [{ established: 5, firstAnswerMs: 0, lastAnswerMs: 900 }],
    experiments: [tried('refused', { refusedBy: 'host' })],
    is: 'likely',
  },
  {
    name: 'a nearer hop refused, and nothing tells the TTL of the server: possible only',
    connections: [refused({ ttl: 0 })],
    hosts: [],
    experiments: [tried('refused', { refusedBy: 'nearer' })],
    is: 'possible',
    against: ['connect-refused-nearer'],
  },
  {
    name: 'it listens now: said against it, and the packets stand',
    connections: [refused(), neighbour],
    experiments: [tried('served'), tried('refused', { refusedBy: 'host' })],
    is: 'likely',
    because: ['connect-refused-by-host'],
    against: ['connect-served'],
  },
  {
    name: 'requests of a load were refused too',
    connections: [refused(), neighbour],
    experiments: [{ ...from, kind: 'load', failure: 'connect-refused', count: 9, begun: 10 }],
    is: 'likely',
    because: ['load-connect-refused'],
  },
])

const foreign = { ttl: 64, ttlUnusual: true }
const prohibited = unanswered({
  ending: 'unreachable',
  icmp: [icmp({ code: 13, meaning: 'admin-prohibited', from: '10.77.1.1' })],
})

causeTable(firewallReject, [
  {
    name: 'a nearer hop refused the experiment too: confirmed',
    connections: [refused(foreign), neighbour],
    experiments: [tried('refused', { refusedBy: 'nearer' })],
    is: 'confirmed',
    because: ['connect-refused-nearer'],
  },
  {
    name: 'refused by the host itself: said against it',
    connections: [refused(foreign), neighbour],
    experiments: [tried('refused', { refusedBy: 'host' })],
    is: 'likely',
    against: ['connect-refused-by-host'],
  },
  {
    name: 'the same router sends ICMP again: confirmed',
    connections: [prohibited],
    experiments: [tried('unreachable', { icmpFrom: '10.77.1.1' })],
    is: 'confirmed',
    because: ['connect-icmp'],
  },
  {
    name: 'near miss: another router',
    connections: [prohibited],
    experiments: [tried('unreachable', { icmpFrom: '10.77.9.9' })],
    is: 'likely',
  },
  {
    name: 'it passes now: said against it',
    connections: [prohibited],
    experiments: [tried('taken')],
    is: 'likely',
    against: ['connect-taken'],
  },
  {
    name: "near miss: the server's TTL, whatever the experiment",
    connections: [refused(), neighbour],
    experiments: [tried('refused', { refusedBy: 'nearer' })],
    is: 'nothing',
  },
])

const lostOnce = [fate({ frame: 1, kind: 'syn', from: 'client', fate: 'lost' })]
const once = unanswered({ handshake: { syns: 1, synTimesMs: [0] } })

causeTable(connectFiltered, [
  {
    name: 'one SYN proven lost, and those of the experiment have no answer either: confirmed',
    connections: [once, neighbour],
    fates: [[0, lostOnce]],
    experiments: [tried('filtered')],
    is: 'confirmed',
    because: ['syn-lost', 'connect-filtered'],
  },
  {
    name: 'near miss: nothing else of that host is seen, it may have been down',
    connections: [once],
    fates: [[0, lostOnce]],
    experiments: [tried('filtered')],
    is: 'likely',
    because: ['connect-filtered'],
  },
  {
    name: 'from one side: a stuck listener is as silent, so it stays possible',
    connections: [unanswered(), neighbour],
    experiments: [tried('filtered')],
    is: 'possible',
    because: ['connect-filtered'],
  },
  {
    name: 'taken now: said against it',
    connections: [unanswered(), neighbour],
    experiments: [tried('never-served')],
    is: 'possible',
    against: ['connect-never-served'],
  },
  {
    name: 'near miss: another server',
    connections: [once, neighbour],
    fates: [[0, lostOnce]],
    experiments: [tried('filtered', { endpoint: '10.77.2.9:80' })],
    is: 'likely',
  },
])

const noWay = unanswered({ ending: 'unreachable', icmp: [icmp({ from: '10.77.1.1' })] })

causeTable(hostUnreachable, [
  {
    name: 'the same router says so again: confirmed',
    connections: [noWay],
    experiments: [tried('unreachable', { icmpFrom: '10.77.1.1' })],
    is: 'confirmed',
    because: ['connect-icmp'],
  },
  {
    name: 'unreachable, nobody saw from whom: it supports only',
    connections: [noWay],
    experiments: [tried('unreachable')],
    is: 'likely',
    because: ['connect-unreachable'],
  },
  {
    name: 'near miss: the host answers elsewhere',
    connections: [noWay, neighbour],
    experiments: [tried('unreachable', { icmpFrom: '10.77.1.1' })],
    is: 'likely',
  },
  {
    name: 'the host refused: said against it',
    connections: [noWay],
    experiments: [tried('refused')],
    is: 'likely',
    against: ['connect-refused'],
  },
])

const alive = [{ firstAnswerMs: 1, lastAnswerMs: 9000, served: 20, established: 20 }]
const dropped = { connections: [unanswered()], endpoints: alive }
const unqueuedAtServer = { ...dropped, sources: [{ at: 'server' as const }] }
const droppedAtServer = {
  ...unqueuedAtServer,
  connections: [
    unanswered({ handshake: { synTimesMs: [100, 1100, 3100] } }),
    requestOnly(true, { id: 1, ending: 'reset-after-fin', lastMs: 5000 }),
  ],
}
const resetAtAck = (id: number) =>
  handshakeOnly({
    id,
    ending: 'handshake-reset',
    resets: [reset({ tMs: 1.9, seq: 1, trigger: segment({ frame: 3, tMs: 1.1 }) })],
  })
const resets = { connections: [resetAtAck(0), resetAtAck(1)], endpoints: [{ served: 20 }] }

causeTable(acceptQueueOverflow, [
  {
    name: 'the kernel counted overflows of this listener in a burst: confirmed',
    ...droppedAtServer,
    experiments: [burst({ overflows: 30 })],
    is: 'confirmed',
    because: ['burst-overflowed'],
  },
  {
    name: 'the same, but the packets only make it possible: likely',
    ...dropped,
    experiments: [burst({ overflows: 30 })],
    is: 'likely',
  },
  {
    name: 'near miss: a rule that counts SYNs has a limit as well, where nobody is seen to wait',
    ...unqueuedAtServer,
    experiments: [burst({ troubles: { syn: 90, reset: 0, ack: 0 } })],
    is: 'possible',
    against: ['nobody-waiting'],
    because: ['burst-syn'],
  },
  {
    name: 'from outside: larger bursts lose SYNs, as here, where handshakes wait: confirmed',
    ...droppedAtServer,
    experiments: [burst({ troubles: { syn: 90, reset: 0, ack: 0 } })],
    is: 'confirmed',
    because: ['burst-syn'],
  },
  {
    name: 'near miss: a limit from outside, and the packets only make it possible',
    ...dropped,
    experiments: [burst({ troubles: { syn: 90, reset: 0, ack: 0 } })],
    is: 'possible',
    because: ['burst-syn'],
  },
  {
    name: 'near miss: bursts are reset, here SYNs are dropped',
    ...droppedAtServer,
    experiments: [burst({ troubles: { syn: 0, reset: 90, ack: 0 } })],
    is: 'likely',
  },
  {
    name: 'near miss: every burst has failures, so they do not follow the queue',
    ...droppedAtServer,
    experiments: [burst({ tookAll: 0, hasLimit: false, troubles: { syn: 90, reset: 0, ack: 0 } })],
    is: 'likely',
  },
  {
    name: 'near miss: SYNs were lost, but the queue of the listener did not overflow',
    ...droppedAtServer,
    experiments: [burst({ overflows: 0, troubles: { syn: 90, reset: 0, ack: 0 } })],
    is: 'likely',
  },
  {
    name: 'near miss: another port',
    ...droppedAtServer,
    experiments: [burst({ overflows: 30, endpoint: '10.77.2.2:8080' })],
    is: 'likely',
  },
  {
    name: 'all of the largest burst were served: said against it',
    ...droppedAtServer,
    experiments: [burst({ tookAll: 200, hasLimit: false })],
    is: 'likely',
    against: ['burst-taken'],
  },
  {
    name: 'larger bursts are reset, as here: confirmed',
    ...resets,
    experiments: [burst({ troubles: { syn: 0, reset: 90, ack: 0 } })],
    is: 'confirmed',
    because: ['burst-reset'],
  },
  {
    name: 'one connection of an experiment waits in the queue: it supports',
    ...droppedAtServer,
    experiments: [tried('never-served')],
    is: 'likely',
    because: ['connect-never-served'],
  },
  {
    name: 'a load lost SYNs too: it supports',
    ...dropped,
    experiments: [{ ...from, kind: 'load', failure: 'connect-timeout', count: 4, begun: 900 }],
    is: 'possible',
    because: ['load-connect-timeout'],
  },
])

const stalled = {
  connections: [
    requestOnly(true, {
      ending: 'half-closed',
      sides: {
        client: {
          fin: { frame: 30, tMs: 1702, seq: 101, ackedMs: null, ackedFrame: null, times: 1 },
        },
      },
    }),
  ],
}
const http = [[0, application({ protocol: 'http' })]] as const

causeTable(serverStalled, [
  {
    name: 'a request of the experiment was acknowledged and not answered either: confirmed',
    ...stalled,
    application: http,
    experiments: [tried('never-served')],
    is: 'confirmed',
    because: ['connect-never-served'],
  },
  {
    name: 'near miss: the experiment asked by HTTP, the clients did not',
    ...stalled,
    application: [[0, application({ protocol: 'mysql' })]],
    experiments: [tried('never-served')],
    is: 'likely',
  },
  {
    name: 'served now: said against it',
    ...stalled,
    application: http,
    experiments: [tried('served')],
    is: 'likely',
    against: ['connect-served'],
  },
  {
    name: 'near miss: a handshake says nothing of answers',
    ...stalled,
    application: http,
    experiments: [tried('taken')],
    is: 'likely',
  },
])

/** Request and FIN cross after 5 s. */
function crossing() {
  const request = segment({ frame: 30, tMs: 5005, seq: 101, ack: 501, len: 80 })
  const fin = { frame: 31, tMs: 5006, seq: 501, ackedMs: null, ackedFrame: null, times: 1 }
  const answer = reset({ frame: 32, tMs: 5007, seq: 501, trigger: request, silenceBeforeMs: 5000 })
  return connection({
    ending: 'reset-after-fin',
    resets: [answer],
    tail: [request, answer],
    sides: { client: { lastDataMs: 5005 }, server: { fins: 1, fin, lastDataMs: 5 } },
    request: { startFrame: 30, startMs: 5005, lastFrame: 30, lastMs: 5005, octets: 80, seq: 101 },
    requestPending: true,
  })
}

const closes = (
  closedAfterMs: number | null,
  how: 'fin' | 'reset' | null,
  race: HttpExperiment['race'] = null,
): Experiment => ({
  ...from,
  kind: 'http',
  ref: 'idle',
  closedAfterMs,
  how,
  waitedMs: closedAfterMs ?? 60_000,
  race,
  uploads: null,
})

causeTable(keepAliveRace, [
  {
    name: 'probe http saw the server close after as long: confirmed',
    connections: [crossing()],
    experiments: [closes(5003, 'fin')],
    is: 'confirmed',
    because: ['experiment-agrees'],
  },
  {
    name: 'it lost requests itself when the server closed: confirmed, and told',
    connections: [crossing()],
    experiments: [closes(5003, 'fin', { tried: 60, lost: 31, roundTripMs: 80 })],
    is: 'confirmed',
    because: ['experiment-agrees', 'experiment-lost'],
  },
  {
    name: 'the same of another day: likely only, and the time between is told',
    connections: [crossing()],
    experiments: [closes(5003, 'fin', { tried: 60, lost: 31, roundTripMs: 80 })],
    apart: { ms: 90_000_000, when: 'after' },
    is: 'likely',
    because: ['experiment-agrees', 'experiment-lost'],
    against: ['experiment-after'],
  },
  {
    name: 'some hours before: confirmed, and told',
    connections: [crossing()],
    experiments: [closes(5003, 'fin')],
    apart: { ms: 8_000_000, when: 'before' },
    is: 'confirmed',
    against: ['experiment-before'],
  },
  {
    name: 'it did not close for a minute, on another day: still likely, with that against it',
    connections: [crossing()],
    experiments: [closes(null, null)],
    apart: { ms: 90_000_000, when: 'before' },
    is: 'likely',
    against: ['experiment-survived', 'experiment-before'],
  },
  {
    name: 'near miss: what it lost was at another age',
    connections: [crossing()],
    experiments: [closes(2000, 'fin', { tried: 60, lost: 31, roundTripMs: 80 })],
    is: 'likely',
  },
  {
    name: 'near miss: it closes at another age',
    connections: [crossing()],
    experiments: [closes(2000, 'fin')],
    is: 'likely',
  },
  {
    name: 'near miss: by a RST of which nobody knows the sender',
    connections: [crossing()],
    experiments: [closes(5003, 'reset')],
    is: 'likely',
  },
  {
    name: 'it did not close for a minute: possible only',
    connections: [crossing()],
    experiments: [closes(null, null)],
    is: 'possible',
    against: ['experiment-survived'],
  },
])

const idleClosed = (id: number, over: Parameters<typeof connection>[0] = {}) =>
  connection({
    id,
    ending: 'half-closed',
    endedBy: 'server',
    sides: {
      server: {
        fins: 1,
        fin: { frame: 20 + id, tMs: 3005, seq: 501, ackedMs: 3006, ackedFrame: 29, times: 1 },
        lastDataMs: 5,
      },
    },
    ...over,
  })

causeTable(serverIdleTimeout, [
  {
    name: 'probe http saw the server close after as long: confirmed',
    connections: [idleClosed(0)],
    experiments: [closes(3001, 'fin')],
    is: 'confirmed',
    because: ['experiment-agrees'],
  },
  {
    name: 'it was open for longer: excluded',
    connections: [idleClosed(0)],
    experiments: [closes(null, null)],
    is: 'excluded',
  },
])

causeTable(clientTimeout, [
  {
    name: 'requests of a load were taken and not answered in time either',
    connections: [0, 1, 2].map((id) =>
      requestOnly(true, {
        id,
        ending: 'half-closed',
        endedBy: 'client',
        sides: {
          client: {
            fin: {
              frame: 30 + id,
              tMs: 1002 + id * 200,
              seq: 101,
              ackedMs: null,
              ackedFrame: null,
              times: 1,
            },
          },
        },
        request: {
          startFrame: 4,
          startMs: 2 + id * 200,
          lastFrame: 4,
          lastMs: 2 + id * 200,
          octets: 100,
          seq: 1,
        },
      }),
    ),
    experiments: [{ ...from, kind: 'load', failure: 'receive-timeout', count: 7, begun: 90 }],
    is: 'likely',
    because: ['load-receive-timeout'],
  },
])
